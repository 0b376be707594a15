"""What proofs count is printed at the end, also when they ran in several processes."""

import pytest

PROOF = "proof"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests recorded under `proof`, in the order of their names."""
    reports = [one for name in ("passed", "failed") for one in terminalreporter.getreports(name)]
    told = sorted(
        (report.nodeid.rpartition("::")[2], text)
        for report in reports
        if report.when == "call"
        for name, text in report.user_properties
        if name == PROOF
    )
    for test, text in told:
        terminalreporter.write_line(f"{test}: {text}")
