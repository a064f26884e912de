import pytest

from quakeline.core.errors import DataError
from quakeline.io.formats.csv_cells import read_cells


def written(tmp_path, content):
    path = tmp_path / "table.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_cells_are_stripped_text_with_the_lines_of_the_file(tmp_path):
    text = "\ufeff# made by hand\n\n Network ,STATION\r\n BW , UH1 # moved\n   \nNA,01\nBW\n"
    frame = read_cells(written(tmp_path, text), "station table")
    assert list(frame.columns) == ["network", "station"]
    assert frame.index.tolist() == [4, 6, 7]
    assert frame.to_numpy().tolist() == [["BW", "UH1"], ["NA", "01"], ["BW", ""]]


def test_a_comma_at_the_end_of_each_line_is_harmless(tmp_path):
    frame = read_cells(written(tmp_path, "a,b\n1,2,\n3,4,,\n"), "table")
    assert frame.to_numpy().tolist() == [["1", "2"], ["3", "4"]]


def test_quotes_hold_commas(tmp_path):
    frame = read_cells(written(tmp_path, 'a,b\n"x, y",2\n'), "table")
    assert frame.to_numpy().tolist() == [["x, y", "2"]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("\n# nothing\n", "is empty"),
        ("a,b,A\n1,2,3\n", "column 'a' is named twice"),
        ("a,b\n1,2\n1,2,3\n", "line 3: 3 cells, but 2 columns"),
        ("a,b\nM\xfcnchen,2\n".encode("latin-1"), "cannot read table"),
    ],
)
def test_what_cannot_be_read_says_why(tmp_path, content, message):
    with pytest.raises(DataError, match=message):
        read_cells(written(tmp_path, content), "table")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"cannot read station table .*none\.csv.*No such file"):
        read_cells(tmp_path / "none.csv", "station table")
