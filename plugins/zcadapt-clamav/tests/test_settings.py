import pytest
from zcadapt_clamav import ClamAV

from zcadapt import SettingsError


def test_every_problem_is_told_at_once():
    options = {
        "clmad": ["/run/clamd.sock"],
        "clamd": ["clamd.sock", "localhost:99999"],
        "connections": 0,
        "down": "ignore",
        "skip_types": ["video"],
        "skip_hosts": ["ok.example", "*.example.com", "http://x/", "good.example:443"],
    }
    with pytest.raises(SettingsError) as told:
        ClamAV(options)
    text = str(told.value)
    assert 'clmad: no such setting. Did you mean "clamd"?' in text
    for part in (
        'clamd[0]: must be the path of a socket or HOST:PORT, not "clamd.sock"',
        "clamd[1]: must be",
        "connections: must be a whole number from 1 to 1000",
        'down: must be one of "allow", "block", "error"',
        "skip_types[0]: must be a media type",
        'not "*.example.com": a domain with all below it is ".example.com"',
        "skip_hosts[2]: must be a host",
        "skip_hosts[3]: must be a host",
    ):
        assert part in text


@pytest.mark.parametrize("place", ["/run/clamav/clamd.ctl", "127.0.0.1:3310", "[::1]:3310"])
def test_where_clamd_may_listen(place):
    assert ClamAV({"clamd": [place]}).settings.clamd == (place,)


def test_the_server_gives_it_more_time_than_it_takes():
    service = ClamAV({"scan_timeout": 100, "queue_timeout": 10, "patience": 10})
    assert service.timeout > 120
