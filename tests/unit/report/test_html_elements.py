from __future__ import annotations

from html.parser import HTMLParser

from envdoctor.report.html.elements import document, element, visible


def test_text_is_never_markup() -> None:
    made = document(element("p", "<b>&amp;", element("i", 'a"'), "</p>", title='"><script>'))
    seen: list[tuple[str, str]] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: object) -> None:
            seen.append(("tag", tag))

        def handle_data(self, data: str) -> None:
            seen.append(("text", data))

    Reader().feed(made)
    text = "".join(part for kind, part in seen if kind == "text")
    assert [name for kind, name in seen if kind == "tag"] == ["p", "i"]
    assert text.strip() == '<b>&amp;a"</p>'


def test_texts_keep_their_order_around_elements() -> None:
    made = element("p", "a", "b", element("i", "c"), "d", None, "e")
    assert "".join(made.itertext()) == "abcde"


def test_attributes_may_bear_words_of_python() -> None:
    assert element("p", class_="x", aria_label="y").attrib == {"class": "x", "aria-label": "y"}


def test_what_reorders_or_hides_text_is_shown() -> None:
    assert visible("a\u202eb\x00c\ud800\ufffe") == "a<U+202E>b<U+0000>c<U+D800><U+FFFE>"
    assert visible("\u05d0\u05d1 é\n\t") == "\u05d0\u05d1 é\n\t"
