"""HTML as plain text and back, for the lens `strip-html`. Imported when a row first has one."""

from __future__ import annotations

from html import escape
from html.parser import HTMLParser


class _Text(HTMLParser):
    """Collects text; blocks and breaks end lines, scripts and styles are left out."""

    _BLOCKS = frozenset(
        {"p", "div", "br", "li", "ul", "ol", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre"}
    )

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in ("script", "style")
        if tag == "br":
            self.parts.append("\n")
        elif tag in self._BLOCKS:
            self._new_line()

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("script", "style") and self._hidden > 0
        if tag in self._BLOCKS and tag != "br":
            self._new_line()

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(data)

    def _new_line(self) -> None:
        if self.parts and not self.parts[-1].endswith("\n"):
            self.parts.append("\n")


def html_to_text(html: str) -> str:
    """The text of HTML, one line for each block or break."""
    if "<" not in html and "&" not in html:
        return html
    parser = _Text()
    parser.feed(html)
    parser.close()
    return "".join(parser.parts).strip("\n")


def text_to_html(text: str) -> str:
    """HTML that reads as the text: escaped, with a break for each line end."""
    return escape(text, quote=False).replace("\r\n", "\n").replace("\n", "<br>")
