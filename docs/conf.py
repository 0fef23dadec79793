"""Settings of Sphinx, which makes the book: ``sphinx-build -W -n docs build/book``."""

from zcadapt.version import VERSION

project = "zcadapt"
version = release = VERSION
project_copyright = "2026 the zcadapt contributors"

extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon", "repoze.sphinx.autointerface"]

default_role = "py:obj"
nitpick_ignore_regex = [
    # In `this` stand arguments, too, which have no entry.
    ("py:obj", "[a-z_]+"),
    # What Python and zope.interface have, in signatures.
    ("py:class", r"(?:collections\.abc|ipaddress|socket)\..*|IComponents"),
    # What nobody imports, in signatures.
    ("py:class", r"zcadapt\.(?:bodies|config|rule|icap\.decisions|icap\.service)\..*"),
]
highlight_language = "pycon3"

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
napoleon_use_rtype = False

html_theme = "furo"
html_title = "zcadapt"
html_static_path = ["_static"]
html_css_files = ["book.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
