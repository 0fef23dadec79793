"""A real rspamd, with the lines of the how-to page about it, asks us about mails."""

import contextlib
import doctest
import json
import subprocess
import tempfile
import urllib.request
from email.message import EmailMessage
from pathlib import Path

import pytest
from programs import as_nobody, free_port, listens, program, ready, running

PAGE = "rspamd"
SENDER = "192.0.2.7"
#: What keeps it to itself: one worker, no queries to name servers, nothing in places of the system.
LOCAL = {
    "worker-normal.inc": 'bind_socket = "127.0.0.1:{port}"; count = 1;',
    "worker-controller.inc": "enabled = false;",
    "worker-proxy.inc": "enabled = false;",
    "worker-fuzzy.inc": "enabled = false;",
    "options.inc": 'dns {{ nameserver = ["127.0.0.1:9"]; timeout = 0.05s; retransmits = 1; }}\n'
    'tempdir = "{folder}";\nurl_tld = "{folder}/tld";',
}


class Rspamd:
    """A running one: how to ask it, and its log."""

    def __init__(self, folder, port):
        self.folder = folder
        self.port = port

    def check(self, mail):
        """Return what it answers about a mail from SENDER."""
        url = f"http://127.0.0.1:{self.port}/checkv2"
        request = urllib.request.Request(url, mail.as_bytes(), {"IP": SENDER})
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    def log(self):
        return (self.folder / "rspamd.log").read_text()


@pytest.fixture(scope="module")
def new_rspamd(shown):
    """How to run one with the page's lines, the server being at a port."""

    @contextlib.contextmanager
    def run(icap, *more):
        path = program("rspamd", "rspamd")
        port = free_port()
        (rule,) = shown(PAGE, "zcadapt {")
        (away,) = shown(PAGE, "rules {")
        rule = rule.replace("127.0.0.1:1344", f"127.0.0.1:{icap}")
        with tempfile.TemporaryDirectory(prefix="zcadapt-") as place:
            folder = Path(place)
            (folder / "local.d").mkdir()
            (folder / "tld").write_text("com\n")  # the real one takes ten seconds to compile
            for name, lines in LOCAL.items():
                text = lines.format(port=port, folder=folder)
                (folder / "local.d" / name).write_text(text)
            rules = [rule, *(each(rule) for each in more)]
            (folder / "local.d" / "external_services.conf").write_text("\n".join(rules))
            (folder / "local.d" / "antivirus.conf").write_text(rule)  # where it is of no use
            (folder / "local.d" / "force_actions.conf").write_text(away)
            command = [path, "-f", "-i", "-c", "/etc/rspamd/rspamd.conf"]
            places = ["LOCAL_CONFDIR", "DBDIR", "RUNDIR", "LOGDIR"]
            command += [f"--var={name}={folder}" for name in places]
            output = folder / "output"
            with running(command, output, cwd=folder, **as_nobody(folder)) as process:
                ready(process, lambda: listens(port), output)
                yield Rspamd(folder, port)

    return run


def by_parts(rule):
    """Return a rule that sends attachments by themselves, with texts, as the page tells."""
    rule = rule.replace("zcadapt {", "parts {").replace("ZCADAPT_VIRUS", "PARTS")
    rule = rule.replace('  action = "reject";\n', "")
    return rule.replace("scan_mime_parts = false;", "scan_text_mime = true;")


@pytest.fixture(scope="module")
def server(serving):
    with serving(PAGE) as (port, output):
        yield port, output


@pytest.fixture(scope="module")
def rspamd(server, new_rspamd):
    with new_rspamd(server[0], by_parts) as rspamd:
        yield rspamd


def mail(text="Hello.", attached=b"holidays"):
    letter = EmailMessage()
    letter["From"], letter["To"] = "ann@example.com", "bob@example.com"
    letter["Message-ID"] = "<1@example.com>"
    letter.set_content(text)
    if attached:
        letter.add_attachment(attached, "application", "octet-stream", filename="a.bin")
    return letter


def symbols(answer):
    return {name: each.get("options") for name, each in answer["symbols"].items()}


def test_a_clean_mail_passes(rspamd):
    answer = rspamd.check(mail())
    assert answer["action"] != "reject"
    assert not {"ZCADAPT_VIRUS", "ZCADAPT_VIRUS_FAIL", "PARTS"} & symbols(answer).keys()


def test_an_infected_mail_is_rejected_with_the_name_of_the_virus(rspamd, eicar, known):
    answer = rspamd.check(mail(attached=eicar))
    assert answer["action"] == "reject"
    assert symbols(answer)["ZCADAPT_VIRUS"] == [known[eicar]]
    message = f'zcadapt: threat found with icap scanner: "{known[eicar]}"'
    assert answer["messages"]["smtp_message"] == message


def test_attachments_can_be_scanned_by_themselves_and_texts_then_are_not(rspamd, eicar, known):
    answer = rspamd.check(mail(attached=eicar))
    assert symbols(answer)["PARTS"] == [known[eicar]]
    answer = rspamd.check(mail(text=eicar.decode(), attached=None))
    assert symbols(answer)["ZCADAPT_VIRUS"] == [known[eicar]]
    assert "PARTS" not in symbols(answer)


def test_what_rspamc_and_the_log_say_is_what_the_page_shows(server, rspamd, shown, eicar):
    letter = rspamd.folder / "virus.eml"
    letter.write_bytes(mail(attached=eicar).as_bytes())
    (transcript,) = shown(PAGE, "$ rspamc")
    command, _, expected = transcript.partition("\n")
    name, *words = command.removeprefix("$ ").split()
    words = [program(name, "rspamd"), "-h", f"127.0.0.1:{rspamd.port}", *words]
    told = subprocess.run(
        words, capture_output=True, text=True, check=True, cwd=rspamd.folder, timeout=20
    ).stdout
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    assert doctest.OutputChecker().check_output(expected, told, flags), told
    assert f"client {SENDER}, user '', GET 'http://127.0.0.1/mail'" in server[1].read_text()


def test_it_says_that_it_has_the_rule_and_in_which_module_it_has_not(rspamd):
    log = rspamd.log()
    assert "registered external services rule: symbol ZCADAPT_VIRUS; type icap" in log
    assert "unknown antivirus type: icap" in log


def test_a_mail_comes_again_later_while_the_server_is_away(new_rspamd):
    with new_rspamd(free_port()) as rspamd:
        answer = rspamd.check(mail())
    assert answer["action"] == "soft reject"
    assert "ZCADAPT_VIRUS_FAIL" in symbols(answer)
