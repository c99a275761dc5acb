"""The page of an audit: one file that needs no network and no script."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from markupsafe import Markup

from equinorm.networks.tables import page_table
from equinorm.pages import environment

if TYPE_CHECKING:
    from equinorm.networks.findings import Audit

CAPTION = (
    "Relative errors in the 2-norm, of the worst sample. The own defect is that of the layer at the input that it "
    "gets; it is above where it exceeds the bound on rounding. The carried ones compare the network on moved images "
    "with its moved activations: that of the input, that of the output, and the output's less the input's. The row "
    "(output) is that of the network. Maps of one size are moved alike."
)


def page(audit: Audit) -> str:
    """The whole page as HTML."""
    style = (files("equinorm.report") / "templates" / "page.css").read_text(encoding="utf-8")
    parts = [
        (kind, audit.conclusion(kind), Markup(page_table(audit.lines, kind, CAPTION).html())) for kind in audit.kinds
    ]
    template = environment("equinorm.networks").get_template("audit.html.j2")
    return template.render(audit=audit, facts=audit.facts, parts=parts, style=Markup(style)).rstrip() + "\n"
