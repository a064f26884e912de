"""`quakeline models ...`: which networks there are, what they expect, their weights and graphs."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from quakeline.core.errors import WeightsError
from quakeline.core.names import proposal, same
from quakeline.models import cache
from quakeline.models.ancestry import NOT_STATED
from quakeline.models.cards import CARDS, Card, Filter, Wheel

app = typer.Typer(invoke_without_command=True)


@app.callback()
def without_command(context: typer.Context) -> None:
    """Networks, their weights and their graphs; without a command a list of them."""
    if context.invoked_subcommand is None:
        show_all()


Name = Annotated[
    str, typer.Argument(help="Name of a weight set (see `list`), or a .safetensors file.")
]
Given = Annotated[
    str | None,
    typer.Option("--path", help="Original files, wheel or .safetensors file on this machine."),
]
Output = Annotated[
    Path | None, typer.Option(help="The .safetensors file to write; default: in the cache folder.")
]
InputName = Annotated[str, typer.Option(help="Name of the graph's input.")]
OutputName = Annotated[str, typer.Option(help="Name of the graph's output.")]
AsImages = Annotated[
    bool,
    typer.Option(
        "--as-images",
        help="Input (batch, 1, samples, components), as graphs of SeismicTorch have it.",
    ),
]
Graph = Annotated[Path, typer.Option("--onnx", help="The ONNX file to write.")]

_FURTHER = """\
Further kinds of weights in the configuration: seisbench (any network of SeisBench), custom (a
Python module of your own), ensemble (several of them together); see config/README.md."""


@app.command(name="list")
def show_all() -> None:
    """List the networks that are built in."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD)
    for heading in ("name", "window", "rate", "phases", "licence", "cached"):
        table.add_column(heading, no_wrap=heading == "name")
    for card in CARDS.values():
        table.add_row(
            card.name,
            f"{card.window_samples / card.sampling_rate_hz:g} s",
            f"{card.sampling_rate_hz:g} Hz",
            " ".join(card.phases),
            card.licence.split(" ")[0],
            "yes" if _is_cached(card) else "no",
        )
    Console().print(table)
    typer.echo(_FURTHER)


@app.command()
def show(name: Name) -> None:
    """Show everything that is known of a weight set, or of the weights file of a run."""
    if _is_file(name):
        from quakeline.models.weights import card_of, members_of

        path = Path(name).expanduser()
        card, weights_id = card_of(path)
        typer.echo("\n".join(_lines(card, weights_id)))
        for member, digest in members_of(path):
            typer.echo("\n" + "\n".join(_lines(member, digest)))
    else:
        typer.echo("\n".join(_lines(_known(name))))


@app.command()
def get(name: Name, path: Given = None, output: Output = None) -> None:
    """Fetch or convert weights into one .safetensors file."""
    from quakeline.io.products import targets
    from quakeline.models.named import section

    if output is not None:
        targets.require_file("--output", output, [path])
    target = output or cache.folder() / "weights" / f"{_known(name).name}.safetensors"
    _, weights_id = section(name, path).write(target)
    typer.echo(f"{target}, weights {weights_id}")


@app.command()
def export(
    name: Name,
    onnx: Graph,
    path: Given = None,
    input_name: InputName = "waveforms",
    output_name: OutputName = "probabilities",
    as_images: AsImages = False,
) -> None:
    """Write a network as an ONNX graph, compared with PyTorch in onnxruntime where that is there.

    The graph turns normalised windows (batch, components, samples), with --as-images (batch, 1,
    samples, components), into probabilities.
    """
    from quakeline.io.products import targets
    from quakeline.io.products.atomic import replacing
    from quakeline.models.graphs import graph_of
    from quakeline.models.named import section
    from quakeline.models.onnx import labelled
    from quakeline.models.weights import card_of

    targets.require_file("--onnx", onnx, [name, path])
    with TemporaryDirectory(prefix="quakeline-") as folder:
        weights = Path(name).expanduser()
        if not _is_file(name):
            weights = Path(folder) / "weights.safetensors"
            section(_known(name).name, path).write(weights)
        card, weights_id = card_of(weights)
        if card.members:
            raise WeightsError(f"{name} is an ensemble: export its members one by one")
        graph = graph_of(weights)
        with replacing(onnx) as temporary:
            names = (input_name, output_name)
            labelled(graph, temporary, card, weights_id, names, as_images=as_images)
    typer.echo(f"{onnx}: {card.name}, weights {weights_id}, normalisation {card.normalisation}")


def _is_file(name: str) -> bool:
    return name.endswith(".safetensors")


def _known(name: str) -> Card:
    known = same(name, CARDS)
    if known not in CARDS:
        raise WeightsError(f"{name!r} given; {proposal(name, CARDS)}known are {', '.join(CARDS)}")
    return CARDS[known]


def _is_cached(card: Card) -> bool:
    folder = cache.folder() / "weights"
    key = getattr(card.source, "key", "")
    return (
        all((folder / key / file.name).is_file() for file in card.source.files)
        or (folder / f"{card.name}.safetensors").is_file()
    )


def _lines(card: Card, weights_id: str = "") -> list[str]:
    """Everything that a card says, a line for each fact."""
    rate = card.sampling_rate_hz
    facts = {
        "name": card.name,
        "network": card.network,
        "weights": weights_id,
        "tensors": card.digest,
        "options": ", ".join(f"{key}: {value}" for key, value in card.options.items()),
        "citation": card.citation,
        "licence": card.licence,
        "training data": card.trained_with,
        **_trained(card),
        "sampling rate": f"{rate:g} Hz",
        "window": f"{card.window_samples} samples ({card.window_samples / rate:g} s)",
        "step": f"{card.hop_samples} samples",
        "unused ends": f"{card.blind_samples} samples",
        "stacking": card.stacking,
        "edge windows": "yes" if card.edge_windows else "",
        "components": " ".join(card.components),
        "classes": " ".join(card.classes),
        "phases": " ".join(card.phases),
        "thresholds": ", ".join(f"{key} {value:g}" for key, value in card.thresholds.items()),
        "normalisation": card.normalisation,
        "filter": _said(card.filter),
        "output": card.output,
        "source": card.source.origin,
    }
    if isinstance(card.source, Wheel):
        facts["wheel sha256"] = card.source.sha256
    lines = [f"{name:<14} {value}" for name, value in facts.items() if value]
    for file in card.source.files:
        lines += [f"{'file':<14} {file.path}", f"{'sha256':<14} {file.sha256}"]
    return lines


def _trained(card: Card) -> dict[str, str]:
    """What a card says of weights that were trained from others, or by oneself."""
    facts = {"trained from": card.parent.described if card.parent else ""}
    if card.training:
        settings = ", ".join(f"{key}: {value}" for key, value in card.training.settings.items())
        facts |= {
            "training date": card.training.date or NOT_STATED,
            "training code": card.training.code or NOT_STATED,
            "its settings": settings or NOT_STATED,
        }
    return facts


def _said(rule: Filter | None) -> str:
    if rule is None:
        return "none"
    low = f"{rule.low_hz:g}" if rule.low_hz is not None else "0"
    high = f"{rule.high_hz:g} Hz" if rule.high_hz is not None else "open"
    passes = "forwards and backwards" if rule.zero_phase else "causal"
    return f"{low} to {high}, Butterworth of order {rule.order}, {passes}"
