"""The examples of configuration in the pages on live feeds are valid as they stand there."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent

import yaml
from pydantic import TypeAdapter
from workfolder import REPOSITORY

from quakeline.core.registry import kind_of
from quakeline.live import publishing
from quakeline.live.feeds import KINDS, AnyFeed

PAGE = Path(REPOSITORY) / "docs/live_feeds.md"
BLOCK = re.compile(r"(?m)^    live:\n(?:    +.+\n)+")


def test_examples_are_valid_and_show_each_kind() -> None:
    shown = set()
    for text in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        given = yaml.safe_load(dedent(text))["live"]
        if "feed" in given:
            shown.add(TypeAdapter(AnyFeed).validate_python(given["feed"]).kind)
        for one in given.get("publish", []):
            shown.add(TypeAdapter(publishing.AnyPublisher).validate_python(one).kind)
    of_all = {kind_of(one) for one in (*KINDS, *publishing.KINDS)}
    assert shown == of_all - {"replay"}
