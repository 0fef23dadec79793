"""Every form of import becomes one that works, and nothing else is touched."""

import ast

import pytest

from zcadapt.migrate.kinds import migrated


def changed(code, name="a.py"):
    return migrated(name, code).text


def told(code):
    return [finding.text for finding in migrated("a.py", code).findings]


CHANGES = [
    ("import pyicap", "from zcadapt.compat import pyicap"),
    ("import pyicap as p", "from zcadapt.compat import pyicap as p"),
    ("import pyicap as pyicap", "from zcadapt.compat import pyicap"),
    ("from pyicap import *", "from zcadapt.compat.pyicap import *"),
    ("from pyicap import ICAPServer as S", "from zcadapt.compat.pyicap import ICAPServer as S"),
    (
        "from pyicap import (  # all\n    ICAPServer,  # one\n    ICAPError,\n)",
        "from zcadapt.compat.pyicap import (  # all\n    ICAPServer,  # one\n    ICAPError,\n)",
    ),
    ("from   pyicap\timport ICAPError", "from   zcadapt.compat.pyicap\timport ICAPError"),
    (
        "from \\\n  pyicap \\\n  import ICAPError",
        "from \\\n  zcadapt.compat.pyicap \\\n  import ICAPError",
    ),
    ("from zc . icp import check_url", "from zcadapt.compat.zc_icp import check_url"),
    ("from icapserver import set_logger", "from zcadapt.compat.icapserver import set_logger"),
    ("import os, pyicap  # two", "import os\nfrom zcadapt.compat import pyicap  # two"),
    ("import pyicap, os, icapserver", "from zcadapt.compat import pyicap, icapserver\nimport os"),
    ("import a; import os, pyicap", "import a; import os; from zcadapt.compat import pyicap"),
    ("import os, pyicap; a()", "import os; from zcadapt.compat import pyicap; a()"),
    ("if 1: import os, pyicap", "if 1: import os; from zcadapt.compat import pyicap"),
    (
        "def f():\n\timport os, pyicap\n\treturn 1",
        "def f():\n\timport os\n\tfrom zcadapt.compat import pyicap\n\treturn 1",
    ),
    (
        "try:\n    import pyicap\nexcept ImportError:\n    pyicap = None",
        "try:\n    from zcadapt.compat import pyicap\nexcept ImportError:\n    pyicap = None",
    ),
    ("import icap_server", "from zcadapt.compat import icap_server"),
    (
        "from icap_server.structures.icap_request import ICAPRequest",
        "from zcadapt.compat.icap_server import ICAPRequest",
    ),
    (
        "from icap_server.structures import icap_request, icap_method as m",
        "from zcadapt.compat import icap_server as icap_request, icap_server as m",
    ),
    (
        "import icap_server.structures.icap_method\nicap_server.structures.icap_method.ICAPMethod",
        "from zcadapt.compat import icap_server\nicap_server.ICAPMethod",
    ),
    (
        "import icap_server.structures.icap_method as m\nm.ICAPMethod",
        "from zcadapt.compat import icap_server as m\nm.ICAPMethod",
    ),
    ("import zc.icp\nzc.icp.check_url", "from zcadapt.compat.zc_icp import zc\nzc.icp.check_url"),
    ("import zc.icp.interfaces", "from zcadapt.compat.zc_icp import zc"),
    ("import zc.icp.interfaces as i", "from zcadapt.compat.zc_icp import interfaces as i"),
    ("import zc.icp as icp", "from zcadapt.compat import zc_icp as icp"),
    ("import zc.icp, zc.icp.interfaces", "from zcadapt.compat.zc_icp import zc"),
    ("from zc import icp", "from zcadapt.compat import zc_icp as icp"),
    ("from zc.icp import interfaces", "from zcadapt.compat.zc_icp import interfaces"),
    ("from zc.icp.interfaces import IICPPolicy", "from zcadapt.compat.zc_icp import IICPPolicy"),
    ("from zc import icp, a", "from zcadapt.compat import zc_icp as icp\nfrom zc import a"),
    (
        "import zc.icp\nfrom zcadapt.compat.zc_icp import zc\nimport zc.icp\nx = zc.icp",
        (
            "from zcadapt.compat.zc_icp import zc\nfrom zcadapt.compat.zc_icp import zc\n"
            "from zcadapt.compat.zc_icp import zc\nx = zc.icp"
        ),
    ),
    ("if 1: \\\n import os, pyicap", "if 1: \\\n import os; from zcadapt.compat import pyicap"),
    (
        "if 1:\n  x = 1; \\\n  import pyicap, os",
        "if 1:\n  x = 1; \\\n  from zcadapt.compat import pyicap; import os",
    ),
    (
        "import os, pyicap \\\n ; x = 1",
        "import os; from zcadapt.compat import pyicap \\\n ; x = 1",
    ),
    ("from zc.icp import *", "from zcadapt.compat.zc_icp import *"),
    ("from zc.icp.interfaces import *", "from zcadapt.compat.zc_icp import IICPPolicy"),
    (
        "from zc \\\n . \\\n icp import check_url",
        "from zcadapt.compat.zc_icp import check_url",
    ),
    (
        "import zc.lockfile, zc.icp, zc.icp as zc_icp\nzc.icp.check_url",
        "import zc.lockfile\nfrom zcadapt.compat import zc_icp\nzc_icp.check_url",
    ),
    (
        "import zc.lockfile, zc.icp as i\nx = zc, i.check_url",
        "import zc.lockfile\nfrom zcadapt.compat import zc_icp as i\nx = zc, i.check_url",
    ),
    (
        "import zc.icp\nimport zc.lockfile\nzc.icp.check_url(zc.icp, zc.a)",
        "from zcadapt.compat import zc_icp\nimport zc.lockfile\nzc_icp.check_url(zc_icp, zc.a)",
    ),
    (
        "from icap_server import *\nclass A(BaseICAPRequestHandler): pass",
        "from zcadapt.compat.icapserver import *\nclass A(BaseICAPRequestHandler): pass",
    ),
]


@pytest.mark.parametrize(("old", "new"), CHANGES)
@pytest.mark.parametrize("end", ["", "\n"])
def test_an_import_becomes_another(old, new, end):
    assert changed(old + end) == new + end
    ast.parse(new)


@pytest.mark.parametrize(("old", "new"), CHANGES)
def test_a_second_time_nothing_is_changed_or_told(old, new):
    assert migrated("a.py", new) == (new, [])


@pytest.mark.parametrize(("old", "new"), CHANGES)
def test_line_ends_stay(old, new):
    assert changed(f"{old}\n".replace("\n", "\r\n")) == f"{new}\n".replace("\n", "\r\n")


@pytest.mark.parametrize(
    "code",
    [
        "import os\n",
        "import pyicap_tools, my.tools\n",
        "'''\nimport pyicap\n'''\n",
        "# import pyicap\n",
        "import zc.lockfile\n",
        "from zc import lockfile\n",
        "from zcadapt.compat.pyicap import *\n",
        "from zcadapt.compat import icap_server, service_of\n",
    ],
)
def test_nothing_else_is_touched(code):
    assert migrated("a.py", code) == (code, [])


@pytest.mark.parametrize(
    ("code", "copy"),
    [
        ("from .pyicap import *", ".pyicap.*"),
        ("from ..vendor.pyicap import ICAPServer", "..vendor.pyicap.ICAPServer"),
        ("from . import pyicap", ".pyicap"),
        ("from vendor.pyicap import *", "vendor.pyicap.*"),
        ("import os, vendor.pyicap", "vendor.pyicap"),
    ],
)
def test_a_copy_is_told_and_stays(code, copy):
    told = f"{copy}: if this is a copy of pyicap, make it zcadapt.compat.pyicap"
    assert migrated("a.py", code) == (code, [(1, told, False)])


def test_what_there_is_no_more_stays_and_is_told():
    code = "from zc.icp import check_url, ICPServer\n"
    text, (finding,) = migrated("a.py", code)
    assert text == "from zcadapt.compat.zc_icp import check_url\nfrom zc.icp import ICPServer\n"
    assert finding.text.startswith(
        "zc.icp.ICPServer is not changed: it was asyncore's; there is start_server"
    )
    assert finding.left


@pytest.mark.parametrize(
    ("code", "line", "start"),
    [
        (
            "import zc.icp\nzc.icp.asyncore_map",
            2,
            "zc.icp.asyncore_map: there is no loop of asyncore",
        ),
        ("import pyicap\na = pyicap._x, pyicap.ICAPServer", 2, "pyicap._x: _x was not for others"),
        ("from zc.icp import *\nasyncore_map", 2, "zc.icp.asyncore_map: there is no loop"),
        (
            "import icap_server.cli",
            1,
            "icap_server.cli is not changed: take the import out; the command line is zcadapt echo",
        ),
        (
            "from icap_server.cli import ICAPServerArgumentParser",
            1,
            "icap_server.cli.ICAPServerArgumentParser is not changed: take the import out; ",
        ),
        (
            "from icap_server.structures.icap_response import ICAPResponse",
            1,
            "icap_server.structures.icap_response.ICAPResponse is not changed: take the import out",
        ),
        (
            "from icap_server import structures",
            1,
            "icap_server.structures is not changed: there is one module",
        ),
        ("from zcadapt.compat.zc_icp import zc\nzc.icp.ICPServer", 2, "zc.icp.ICPServer: it was"),
    ],
)
def test_a_name_that_is_no_more_is_told_with_its_line(code, line, start):
    (finding,) = migrated("a.py", code).findings
    assert finding.line == line
    assert finding.text.startswith(start)
    assert finding.left


@pytest.mark.parametrize(
    "code",
    [
        "from icapserver import SimpleICAPServer, ContentAnalyzer\n",
        "import icap_server\nicap_server.app.run()\n",
        "from icap_server import app\n",
    ],
)
def test_another_module_of_the_name_is_left_alone(code):
    text, findings = migrated("a.py", code)
    assert text == code
    assert all("another module" in finding.text for finding in findings)
    assert findings


def test_a_name_that_is_bound_otherwise_is_not_taken_for_the_module():
    assert told("import icap_server\nicap_server = f()\nicap_server.start()\n") == []


def test_comments_are_not_lost():
    code = "from zc import (icp,  # the one\n    lockfile)\n"
    text, (finding,) = migrated("a.py", code)
    assert text == code
    assert finding.text.endswith(
        "from zcadapt.compat import zc_icp as icp; from zc import lockfile"
    )


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("zc_icp = zc.icp\n", "the name zc_icp is taken"),
        ("import a as zc_icp\n", "the name zc_icp is taken"),
        ("print zc.icp.check_url('x')\n", "not all of the code can be read"),
        ("f(zc)\n", "zc is used as a whole"),
    ],
)
def test_an_import_stays_where_zc_cannot_be_told_apart(code, why):
    code = f"import zc.icp, zc.lockfile\nzc.icp.check_url\n{code}"
    text, findings = migrated("a.py", code)
    assert text == code
    assert f"zc.icp is not changed: zc is needed for others, and {why}; import it by hand" in [
        finding.text for finding in findings
    ]


def test_what_is_imported_under_no_name_is_told():
    code = "import zc.lockfile\nzc.icp.check_url(zc.lockfile)\n"
    told = "zc.icp: nothing in this file imports zc.icp by this name"
    assert migrated("a.py", code) == (code, [(2, told, True)])


def test_letters_that_only_look_alike_stay_and_are_told():
    code = "from \uff50yicap import ICAPServer\nimport pyicap\n"
    text, (finding,) = migrated("a.py", code)
    assert text == code.replace("import pyicap", "from zcadapt.compat import pyicap")
    assert finding.text.startswith(
        "pyicap is not changed: it is written in letters that only look like it"
    )


def test_examples_in_strings_are_changed_too():
    code = 'def f():\n    """\n    >>> import os, pyicap\n    >>> pyicap.ICAPServer\n    """\n'
    assert changed(code) == (
        'def f():\n    """\n    >>> import os\n    >>> from zcadapt.compat import pyicap\n'
        '    >>> pyicap.ICAPServer\n    """\n'
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (">>> import pyicap", ">>> from zcadapt.compat import pyicap"),
        (
            ">>> import os, pyicap",
            ">>> import os\n    >>> from zcadapt.compat import pyicap",
        ),
        (
            ">>> from \\\n    ...  zc.icp import check_url",
            ">>> from \\\n    ...  zcadapt.compat.zc_icp import check_url",
        ),
    ],
)
@pytest.mark.parametrize("quotes", ['"""', "'" * 3])
def test_an_example_stays_one(old, new, quotes):
    code = "def f():\n    r{0}\n    {1}{0}\n"
    text = changed(code.format(quotes, old))
    assert text == code.format(quotes, new)


def test_an_example_that_calls_zc_icp_as_its_file_did_is_told():
    code = "import zc.icp{}\n'''\n>>> zc.icp.check_url('x')\n'''\n"
    assert migrated("a.py", code.format("")).findings == []
    assert told(code.format(", zc.lockfile")) == [
        "zc.icp is called zc_icp in this file now: call it so here, too"
    ]
    assert len(told(changed(code.format(", zc.lockfile")))) == 1
    own = code.format(", zc.lockfile").replace(">>> ", ">>> import zc.icp\n>>> ")
    assert told(own) == []


def test_with_tabs_and_spaces_it_is_the_same_place():
    code = "if a:\n        b\n\timport os, pyicap\n"
    assert changed(code) == ("if a:\n        b\n\timport os\n\tfrom zcadapt.compat import pyicap\n")
