"""``python -m zcadapt_urllist``: the command without the rest of zcadapt's."""

from zcadapt_urllist.command import urllist

if __name__ == "__main__":
    urllist()
