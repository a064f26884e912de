"""The page of pictures: those of the demo's report, and what each tutorial drew when it ran."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_HEAD = """# Gallery

Pictures of real runs, each with what made it.

## The demo's report

`make demo`, then `make figures`; the page is `results/unterhaching/report.html`.

![Map and depth sections](figures/map.png)
![Record section](figures/record_section.png)
"""


def page(drawn: Mapping[str, tuple[str, Sequence[str]]]) -> str:
    """The page, of the title and the pictures of each tutorial that drew some, by its name."""
    parts = [_HEAD]
    for name, (title, pictures) in drawn.items():
        parts.append(f"\n## {title}\n\n[The tutorial](tutorials/{name}.md) has the lines.\n")
        parts += [f"\n![{title}](tutorials/{picture})\n" for picture in pictures]
    return "".join(parts)
