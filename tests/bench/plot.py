# SPDX-License-Identifier: GPL-2.0
"""Plots as SVG, by gnuplot."""
import subprocess

HEAD = """
set terminal svg noenhanced size 760,{height} font "sans,13" background "white"
set output "{path}"
set border 3
set tics nomirror
set grid
"""


def gnuplot(path, height, script):
    subprocess.run(["gnuplot"], input=HEAD.format(path=path, height=height) + script, text=True, check=True)


def block(name, rows):
    lines = "\n".join(" ".join(f'"{cell}"' if isinstance(cell, str) else f"{cell:g}" for cell in row) for row in rows)
    return f"${name} << EOD\n{lines}\nEOD\n"


def packets(path, rows, title):
    """Bars, the cheapest on top."""
    rows = [(n, name, value, f"{value:,.0f}") for n, (name, value) in enumerate(rows)]
    gnuplot(path, 90 + 28 * len(rows), block("data", rows) + f'set label "{title}" at screen 0.5,0.95 center\n' + """
unset key
unset grid
set tmargin 4
set xrange [0:*]
set yrange [*:*] reverse
set offsets graph 0, graph 0.1, 0.5, 0.5
unset border
unset xtics
set style fill solid
color(name) = name eq "portmon" ? 0xd95f02 : 0x7570b3
plot $data using ($3/2):1:($3/2):(0.35):(color(strcol(2))):ytic(2) with boxxyerror lc rgb variable, \\
     $data using 3:1:4 with labels left offset 0.5,0
""")


def memory(path, curves):
    """One curve per state over the number of possible CPUs."""
    data = "".join(block(f"d{n}", points) for n, points in enumerate(curves.values()))
    plots = ", ".join(f'$d{n} using 1:2 with linespoints lw 2 pt 7 title "{name}"' for n, name in enumerate(curves))
    gnuplot(path, 480, data + f"""
set title "Memory of one namespace"
set xlabel "possible CPUs"
set ylabel "MiB"
set key outside below vertical maxrows 4 left Left reverse
set xrange [0:130]
set yrange [0:*]
plot {plots}
""")


def dumps(path, points, peers):
    """portmon's dump over the number of records, and others at 10,000."""
    data = block("mine", points) + "".join(block(f"p{n}", [(10000, cost)]) for n, cost in enumerate(peers.values()))
    plots = ", ".join(f'$p{n} with points pt {5 + 2 * n} ps 1.5 title "{name}"' for n, name in enumerate(peers))
    gnuplot(path, 420, data + f"""
set title "One answer, kernel and tool, from fork to exit"
set xlabel "records"
set ylabel "million instructions"
set key top left Left reverse
set logscale xy
set xrange [1:300000]
set format x "%.0f"
set format y "%.0f"
plot $mine with linespoints lw 2 pt 7 title "portmon-ctl stats --json --all", {plots}
""")
