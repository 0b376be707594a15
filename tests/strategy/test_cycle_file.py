import gzip
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from arb.errors import ConfigInvalid
from arb.limits import CYCLE_FILE_BYTES_MAX, CYCLE_LINE_CHARS_MAX, CYCLE_ROWS_MAX
from arb.market.listed import CycleRow
from arb.strategy.bounds import currency_complaint
from arb.strategy.cycle_file import read_cycle_file
from tests.spec.properties import examples

LEGACY = "base,inter,quote,pair1,pair2,pair3,fee_bps,min_profit_bps\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cycles")


def written(folder: Path, text: str | bytes, name: str = "cycles.csv") -> Path:
    path = folder / name
    data = text if isinstance(text, bytes) else text.encode()
    path.write_bytes(gzip.compress(data, mtime=0) if name.endswith(".gz") else data)
    return path


def read(folder: Path, text: str | bytes) -> list[tuple[str, str, str]]:
    """The rows in short: their path, fee and threshold."""
    return [
        (">".join(row.currencies), str(row.fee_bps), str(row.min_profit_bps))
        for row in read_cycle_file(written(folder, text)).rows
    ]


def refused(folder: Path, text: str | bytes) -> list[str]:
    """What is told of a file that is wrong, without the lines shown."""
    path = written(folder, text)
    with pytest.raises(ConfigInvalid) as caught:
        read_cycle_file(path)
    lines = str(caught.value).splitlines()
    return [
        line.removeprefix(str(path)).removeprefix(":")
        for line in lines
        if line.startswith(str(path))
    ]


def test_a_row_of_the_legacy_format(folder: Path) -> None:
    path = written(folder, LEGACY + "BTC,ETH,USDT,BTC/ETH,ETH/USDT,USDT/BTC,10,7.5\n")
    file = read_cycle_file(path)
    assert file.path == path
    assert file.rows == (CycleRow(2, ("BTC", "ETH", "USDT"), Decimal(10), Decimal("7.5")),)


def test_a_compressed_file_is_the_same(folder: Path) -> None:
    text = LEGACY + "BTC,ETH,USDT,,,,10,7\n"
    packed = read_cycle_file(written(folder, text, "cycles.csv.gz"))
    assert packed.rows == read_cycle_file(written(folder, text)).rows


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("quote,base,inter\nUSDT,BTC,ETH\n", [("BTC>ETH>USDT", "None", "None")]),
        ("min_profit_bps,path\n-3,BTC > ETH>USDT>SOL\n", [("BTC>ETH>USDT>SOL", "None", "-3")]),
        (
            "currency2,currency1,currency4,currency3,fee_bps\nB,A,D,C,1\nB,A,,C,\nB,A,,,0\n",
            [("A>B>C>D", "1", "None"), ("A>B>C", "None", "None"), ("A>B", "0", "None")],
        ),
        ("path\nBTC>NAN>42\n", [("BTC>NAN>42", "None", "None")]),
    ],
)
def test_columns_go_by_name(folder: Path, text: str, rows: list[tuple[str, str, str]]) -> None:
    assert read(folder, text) == rows


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("BTC,ETH", ("BTC>ETH", "None", "None")),
        ("BTC,ETH,1INCH,SOL", ("BTC>ETH>1INCH>SOL", "None", "None")),
        ("BTC,ETH,USDT,10", ("BTC>ETH>USDT", "10", "None")),
        ("BTC,ETH,USDT,10,-7.25", ("BTC>ETH>USDT", "10", "-7.25")),
        ("BTC,ETH,USDT,,7", ("BTC>ETH>USDT", "None", "7")),
        ("BTC,ETH,USDT,BTC/ETH,ETH/USDT,USDT/BTC,10,7", ("BTC>ETH>USDT", "10", "7")),
        ("BTC/ETH,BTC,ETH,ETH/USDT,USDT,10,USDT/BTC,7", ("BTC>ETH>USDT", "10", "7")),
        (" BTC ,\tETH, USDT , 10 ", ("BTC>ETH>USDT", "10", "None")),
    ],
)
def test_without_a_header_the_codes_come_first(
    folder: Path, row: str, told: tuple[str, str, str]
) -> None:
    assert read(folder, row) == [told]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_empty_rows_and_line_ends_say_nothing(folder: Path, end: str) -> None:
    text = end.join(
        ["\ufeff" + LEGACY.strip(), "", "A,B,C,,,,1,2", ",,,,,,,", " ", "D,E,F,,,,,", ""]
    )
    file = read_cycle_file(written(folder, text))
    assert [(row.line, row.currencies) for row in file.rows] == [
        (3, ("A", "B", "C")),
        (6, ("D", "E", "F")),
    ]


@pytest.mark.parametrize(
    ("header", "what"),
    [
        ("base,inter,quote,fee_bp", "1:18: unknown column 'fee_bp'; did you mean `fee_bps`?"),
        (
            "base,inter,quote,venue",
            "1:18: unknown column 'venue'; known are base, inter, quote; or",
        ),
        ("base,inter,quote,", "1:18: a column of the header has no name"),
        ("base,inter,quote,base", "1:18: column `base` stands there twice"),
        (
            "base,inter,quote,path",
            "1:1: a header tells the path in one way: base, inter, quote; or",
        ),
        ("fee_bps,min_profit_bps", "1:1: a header tells the path in one way"),
        ("base,quote", "1:1: column `inter` is missing"),
        ("currency1,currency3", "1:1: column `currency2` is missing"),
        ("currency1", "1:1: column `currency2` is missing"),
    ],
)
def test_a_header_that_cannot_be_followed(folder: Path, header: str, what: str) -> None:
    (told,) = refused(folder, header + "\nBTC,ETH,USDT,10\n")
    assert told.startswith(what)


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ("BTC,ETH,,,,,1,1", "2:9: currency 3 must be a currency code such as BTC, was ''"),
        ("BTC,eth,USDT,,,,1,1", "2:5: currency 2 must be a currency code in upper case, was 'eth'"),
        (
            "BTC,ETH/X,USDT,,,,1,1",
            "2:5: currency 2 must be a currency code such as BTC, was 'ETH/X'",
        ),
        ("BTC,ETH,BTC,,,,1,1", "2:9: a row must not name BTC again at the end: the loop closes"),
        ("BTC,BTC,ETH,,,,1,1", "2:5: a row must not name BTC twice"),
        ("BTC,ETH,USDT,,,,NaN,1", "2:17: fee_bps must be a number such as 7.5, was 'NaN'"),
        ("BTC,ETH,USDT,,,,inf,1", "2:17: fee_bps must be a number such as 7.5, was 'inf'"),
        ("BTC,ETH,USDT,,,,1e1,1", "2:17: fee_bps must be a number such as 7.5, was '1e1'"),
        ("BTC,ETH,USDT,,,,\u0661,1", "2:17: fee_bps must be a number such as 7.5, was '\u0661'"),
        ("BTC,ETH,USDT,,,,-1,1", "2:17: fee_bps must be at least 0, was -1"),
        ("BTC,ETH,USDT,,,, 1000.5,1", "2:18: fee_bps must be at most 1000, was 1000.5"),
        ("BTC,ETH,USDT,,,,1,10001", "2:19: min_profit_bps must be at most 10000, was 10001"),
        ("BTC,ETH,USDT,,,,1,-10001", "2:19: min_profit_bps must be at least -9999, was -10001"),
        ("BTC,ETH,USDT,,,,1", "2:17: must have 8 fields, as the header in line 1 has, was 7"),
        ("BTC,ETH,USDT,,,,1,1,x", "2:21: must have 8 fields, as the header in line 1 has, was 9"),
    ],
)
def test_a_row_that_is_wrong_is_told_with_its_place(folder: Path, row: str, what: str) -> None:
    (told,) = refused(folder, LEGACY + row + "\n")
    assert told.startswith(what)


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ("BTC", "1:1: a row must name at least 2 currencies, with commas between them, was 1"),
        ("BTC;ETH;USDT", "1:1: a row must name at least 2 currencies, with commas between them"),
        ("10,7", "1:1: a row must name at least 2 currencies, with commas between them, was 0"),
        ("A,B,C,D,E,F,G,H,I", "1:17: a row must name at most 8 currencies, was 9"),
        ("BTC,ETH,NaN,7", "1:9: fee_bps must be a number such as 7.5, was 'NaN'"),
        ("BTC,ETH,-INFINITY", "1:9: fee_bps must be a number such as 7.5, was '-INFINITY'"),
        ("BTC,ETH,USDT,1/2", "1:14: fee_bps must be a number such as 7.5, was '1/2'"),
        ("BTC,ETH,10,USDT", "1:12: min_profit_bps must be a number such as 7.5, was 'USDT'"),
        (
            "BTC,ETH,USDT,,,,10,7",
            "1:16: a row without a header ends with fee_bps and min_profit_bps",
        ),
        ("BTC,ETH,USDT,1,2,3", "1:18: a row without a header ends with fee_bps and min_profit_bps"),
        ("from,via,to", "1:1: currency 1 must be a currency code in upper case, was 'from'"),
        ('"BTC","ETH"', "1:1: currency 1 must be a currency code such as BTC, was '\"BTC\"'"),
    ],
)
def test_a_row_without_a_header_that_is_wrong(folder: Path, row: str, what: str) -> None:
    assert refused(folder, row)[0].startswith(what)


def test_a_path_in_one_field_is_told_by_the_code_s_own_place(folder: Path) -> None:
    assert refused(folder, "fee_bps,path\n1,BTC>ETH> usdt\n") == [
        "2:12: currency 3 must be a currency code in upper case, was 'usdt'"
    ]


def test_every_problem_is_told_with_its_line_shown(folder: Path) -> None:
    path = written(folder, "BTC,eth,USDT,x\nBTC,ETH\nA,A,-1\n")
    with pytest.raises(ConfigInvalid) as caught:
        read_cycle_file(path)
    assert str(caught.value) == (
        f"{path}:1:5: currency 2 must be a currency code in upper case, was 'eth'\n"
        "  1 | BTC,eth,USDT,x\n"
        "    |     ^\n"
        f"{path}:1:14: currency 4 must be a currency code in upper case, was 'x'\n"
        "  1 | BTC,eth,USDT,x\n"
        "    |              ^\n"
        f"{path}:3:3: a row must not name A twice\n"
        "  3 | A,A,-1\n"
        "    |   ^\n"
        f"{path}:3:5: fee_bps must be at least 0, was -1\n"
        "  3 | A,A,-1\n"
        "    |     ^"
    )


def test_the_list_of_problems_ends(folder: Path) -> None:
    told = refused(folder, "a,b\n" * 1_000)
    assert len(told) == 101
    assert told[-1] == " and 1900 more"


@pytest.mark.parametrize("text", ["", "\n\n", ",,,\n", LEGACY, "\ufeff"])
def test_a_file_without_a_row_is_refused(folder: Path, text: str) -> None:
    assert refused(folder, text) == [" names no cycle; give rows such as BTC,ETH,USDT"]


def test_the_bounds_of_a_file(folder: Path) -> None:
    long = "A,B," + " " * CYCLE_LINE_CHARS_MAX
    assert refused(folder, f"A,B\n{long}\n") == ["2:1001: a line has at most 1000 characters"]
    most = "A,B\n" * CYCLE_ROWS_MAX
    assert len(read_cycle_file(written(folder, "path\n" + most.replace(",", ">"))).rows) == (
        CYCLE_ROWS_MAX
    )
    assert refused(folder, most + "A,B\n") == ["100001:1: a file has at most 100000 rows"]
    large = written(folder, b"\n" * (CYCLE_FILE_BYTES_MAX + 1), "large.csv.gz")
    with pytest.raises(ConfigInvalid, match=r"large\.csv\.gz: is larger than 8000000 bytes"):
        read_cycle_file(large)


def test_one_word_of_a_whole_file_is_refused_at_once(folder: Path) -> None:
    """A million letters are looked at once each, not once for each other."""
    assert refused(folder, "A" * 1_000_000) == ["1:1001: a line has at most 1000 characters"]


def test_a_file_that_cannot_be_read_is_refused(folder: Path) -> None:
    with pytest.raises(ConfigInvalid, match=r"none\.csv: no such file"):
        read_cycle_file(folder / "none.csv")
    with pytest.raises(ConfigInvalid, match="is not a file"):
        read_cycle_file(folder)
    assert refused(folder, b"A,B\nA,\xff\n") == ["2:3: is not UTF-8 text: byte 0xff"]
    packed = gzip.compress(b"A,B\n" * 1_000, mtime=0)
    for damaged in (b"A,B\n", packed[:-9], packed[:20] + b"\xff" * 9 + packed[29:]):
        path = folder / "damaged.csv.gz"
        path.write_bytes(damaged)
        with pytest.raises(ConfigInvalid, match=r"damaged\.csv\.gz: .*(gzip|CRC)"):
            read_cycle_file(path)


codes = st.sampled_from(["BTC", "ETH", "USDT", "1INCH", "42", "btc", "B T", "BTC/ETH", "NAN", ""])
numbers = st.sampled_from(["1", "-7.5", "NaN", "1e9", "99999", "1" * 40, "."])
names = st.sampled_from(
    ["base", "inter", "quote", "path", "pair1", "currency1", "currency2", "fee_bps", "fee"]
)
odd = st.text(max_size=5) | st.sampled_from(["\x00", "\ufeff", "\u2028", "\x85", ">", '"', "\t"])
lines = st.lists(codes | numbers | odd | names, max_size=9).map(",".join)
rows = st.lists(codes, max_size=5).map(",".join)
headers = st.lists(names, max_size=5).map(",".join) | st.just(LEGACY.strip())
texts = st.builds(
    lambda header, body: "\n".join([header, *body]),
    headers | rows,
    st.lists(rows | lines, max_size=8),
)


@examples(250)
@given(data=(texts | st.text(max_size=80)).map(str.encode) | st.binary(max_size=80))
@example(data=b"path\n>")
@example(data=b"path\n")
@example(data=b"\xef\xbb\xbf\xef\xbb\xbfA,B")
def test_any_file_gives_good_rows_or_is_refused(folder: Path, data: bytes) -> None:
    path = written(folder, data)
    try:
        file = read_cycle_file(path)
    except ConfigInvalid as error:
        assert str(error).startswith(str(path))  # noqa: PT017 -- both ends are right
        str(error).encode()  # it can be printed
    else:
        assert file.rows
        for row in file.rows:
            assert len(set(row.currencies)) == len(row.currencies) in range(2, 9)
            assert not any(map(currency_complaint, row.currencies))
            assert row.fee_bps is None or 0 <= row.fee_bps <= 1_000
            assert row.min_profit_bps is None or -9_999 <= row.min_profit_bps <= 10_000
