"""What is wrong with a file as a whole, and how it is told."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from arb.errors import ConfigInvalid
from arb.limits import STRATEGY_FILE_BYTES_MAX
from arb.strategy.loader import Loaded, load
from tests.strategy.conftest import MINIMAL

Refuses = Callable[..., str]


def test_a_message_points_at_the_value_with_its_line_and_a_caret(refuses: Refuses) -> None:
    text = MINIMAL.replace("fixed_amount\n  amount: 1000", "fixed_fraction\n  fraction: 1.5")
    assert refuses(text) == (
        "demo.yaml:8:13: fraction must be at most 1, was 1.5\n"
        "  8 |   fraction: 1.5\n"
        "    |             ^"
    )


def test_a_misspelled_key_gets_a_suggestion(refuses: Refuses) -> None:
    message = refuses(MINIMAL.replace("min_profit_bps", "min_proft_bps"))
    assert "demo.yaml:4:1: unknown key `min_proft_bps`; did you mean `min_profit_bps`?" in message


def test_a_key_in_the_wrong_block_gets_its_right_path(refuses: Refuses) -> None:
    message = refuses(MINIMAL + "max_open_cycles: 2\n")
    assert "did you mean `risk_controls.max_open_cycles`?" in message


def test_a_key_that_several_blocks_have_gets_all_of_their_paths(refuses: Refuses) -> None:
    message = refuses(MINIMAL + "mode: live\n")
    assert "did you mean `capital_allocation.mode` or `execution.mode`?" in message


def test_all_problems_of_a_file_are_told_in_its_order(refuses: Refuses) -> None:
    message = refuses(
        "name: a b\nexchange: 5\nnaem: x\ncycle: [USDT, usdt, 7]\nmax_slippage_bps: 0\n"
        "capital_allocation: {mode: fixed_amount, fraction: 0.5}\nfees: 3\norder: {max_retries: -1}\n"
        "execution: {paper: {data_file: nowhere.csv}}\n"
    )
    heads = [line for line in message.splitlines() if line.startswith("demo.yaml")]
    assert [head.split(": ", 1)[1] for head in heads] == [
        "missing required key `min_profit_bps`",
        "name must be 1 to 64 letters, digits, '_', '.' or '-', was 'a b'",
        "exchange must be text, was the number 5; put it in quotes",
        "unknown key `naem`; did you mean `name`?",
        "cycle: item 2 must be a currency code in upper case, was 'usdt'",
        "cycle: item 3 must be text, was the number 7; put it in quotes",
        "max_slippage_bps must be above 0, was 0",
        "mode fixed_amount needs the key `amount`",
        "fraction has no effect with mode fixed_amount; remove it",
        "fees must be a block of keys, was the number 3",
        "max_retries must be at least 0, was -1",
        "data_file 'nowhere.csv' is neither beside this file nor in the working directory",
    ]


def test_a_doubled_key_names_both_lines(refuses: Refuses) -> None:
    message = refuses(MINIMAL + "name: other\n")
    assert "demo.yaml:9:1: key `name` is given twice, first in line 1" in message


def test_a_doubled_key_is_found_in_a_block_too(refuses: Refuses) -> None:
    message = refuses(MINIMAL + "  amount: 1\n")
    assert "demo.yaml:9:3: key `amount` is given twice, first in line 8" in message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "demo.yaml:1:1: must be keys with values, was an empty file"),
        ("# nothing\n\n", "was an empty file"),
        ("---\n", "was empty"),
        ("- name\n- exchange\n", "demo.yaml:1:1: must be keys with values, was a list"),
        ("just words\n", "was a single value"),
        ("name: [\n", "demo.yaml:2:1: is not valid YAML"),
        ("name: 'abc\n", "is not valid YAML"),
        ("name: a\n\tb: 1\n", "indent with spaces"),
        ("a: b: c\n", "demo.yaml:1:5: is not valid YAML"),
        ("name: a\n---\nname: b\n", "demo.yaml:2:1: a second document begins; a file holds one"),
        ("base: &x {a: 1}\n", "demo.yaml:1:7: anchors (`&name`) are not supported"),
        ("a: &x 1\nb: *x\n", "demo.yaml:2:4: aliases (`*name`) are not supported"),
        ("name: !!python/name:os.system x\n", "demo.yaml:1:7: tags (`!name`) are not supported"),
        ("name: !!str 5\n", "tags (`!name`) are not supported"),
        ("? [a]\n: 1\n", "a key must be a single word, was a list"),
        ("<<: {name: a}\n", "unknown key `<<`"),
        ("a: " + "[" * 40 + "]" * 40 + "\n", "is nested deeper than 12 levels"),
        ("[" * 900_000, "is nested deeper than 12 levels"),
        ("a: [" + "1," * 20_000 + "]\n", "holds more than 10000 values"),
        ('name: "\\UFFFFFFFF"\n', "demo.yaml:1:"),
        ("%YAML 1." + "9" * 5_000 + "\n---\na: 1\n", "is not valid YAML"),
        ("name: a\x00b\n", "demo.yaml:1:8: holds the character U+0000"),
        ("name: \x1b[31m\n", "demo.yaml:1:7: holds the character U+001B"),
        ('name: "\\e[31m"\n', r"was '\x1b[31m'"),
        ('name: "\\uD800"\n', r"was '\ud800'"),
    ],
)
def test_a_broken_document_is_refused_with_its_place(
    text: str, expected: str, refuses: Refuses
) -> None:
    assert expected in refuses(text)


def test_text_that_is_not_utf_8_is_refused_at_its_byte(refuses: Refuses) -> None:
    assert "demo.yaml:2:7: is not UTF-8 text: byte 0xff" in refuses(b"name: a\nname: \xff\n")
    assert "is not UTF-8 text" in refuses("name: a".encode("utf-16"))


def test_a_byte_order_mark_and_windows_line_ends_are_fine(loads: Callable[..., Loaded]) -> None:
    assert loads(b"\xef\xbb\xbf" + MINIMAL.replace("\n", "\r\n").encode()).strategy.name == "demo"


def test_a_file_beyond_the_limit_is_refused_before_it_is_parsed(refuses: Refuses) -> None:
    assert "is larger than 1000000 bytes" in refuses(b"#" * (STRATEGY_FILE_BYTES_MAX + 1))


def test_a_thousand_problems_are_told_in_bounds(refuses: Refuses) -> None:
    message = refuses("".join(f"key{n}: 1\n" for n in range(1_000)))
    assert message.endswith("demo.yaml: and 905 more")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("nowhere.yaml", "nowhere.yaml: no such file"),
        (".", ".: is not a file"),
        ("pipe", "pipe: is not a file"),
        ("a\0b", r"'a\\x00b': no such file"),
        ("x" * 5_000, "cannot be read"),
    ],
)
def test_a_path_that_is_no_readable_file_is_refused(
    path: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    with pytest.raises(ConfigInvalid, match=expected):
        load(path)


def test_a_wrong_file_is_exit_code_3() -> None:
    assert ConfigInvalid.exit_code == 3


SECRET = "hunter2"


@pytest.mark.parametrize(
    "text",
    [
        f"api_key: {SECRET}\n",
        f"apiKey: {SECRET}\n",
        f"EXCHANGE_API_SECRET: {SECRET}\n",
        f"exchange: {{api_key: {SECRET}}}\n",
        f"exchange: {{id: 5, 'password': {SECRET}, name: [}}\n",
        f"capital_allocation: {{passphrase: {SECRET}, mode: x}}\n",
        f"secret:\n  {SECRET}: [\n",
        f"secret: |\n  {SECRET}\n  {SECRET}\nname: [\n",
        f"private_key: *{SECRET}\n",
    ],
)
def test_a_secret_is_refused_and_never_repeated(text: str, refuses: Refuses) -> None:
    message = refuses(text)
    assert SECRET not in message


def test_a_secret_is_refused_with_the_place_where_it_belongs(refuses: Refuses) -> None:
    message = refuses(MINIMAL + "api_key: x\n")
    assert (
        "demo.yaml:9:1: key `api_key` is refused: credentials come from the environment" in message
    )
