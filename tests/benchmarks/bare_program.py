"""The least that a command with these libraries does: import numpy, Typer and Rich, and print one table."""

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

app = typer.Typer()


@app.command()
def main(sentence: str) -> None:
    table = Table("word", "length")
    for word in sentence.split():
        table.add_row(word, str(np.int64(len(word))))
    Console().print(table)


app()
