// SPDX-License-Identifier: GPL-2.0
//! The plots, drawn by gnuplot.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{ensure, Context, Result};

use super::figures::Figures;
use crate::bench::plan::Load;
use crate::bench::sample::figure;

/// The number of functions in the plot of windows.
const FUNCTIONS: u32 = 10;

/// Draws `window.svg` and `call.svg` in `folder`.
pub fn draw(
    figures: &Figures,
    beside: Option<&Figures>,
    kernel: &str,
    folder: &Path,
) -> Result<()> {
    gnuplot(folder, "window", &window(figures, beside, kernel))?;
    gnuplot(folder, "call", &call(figures, kernel))
}

/// Runs a script, which stays beside what it draws.
fn gnuplot(folder: &Path, name: &str, script: &str) -> Result<()> {
    let file = format!("{name}.gnuplot");
    fs::write(folder.join(&file), script)?;
    let status = Command::new("gnuplot")
        .arg(&file)
        .current_dir(folder)
        .status()
        .context("cannot run gnuplot")?;
    ensure!(status.success(), "gnuplot {file}: {status}");
    Ok(())
}

fn head(name: &str, height: u32) -> String {
    format!(
        "set terminal svg size 800,{height} font 'sans-serif,14' background '#ffffff'\n\
         set output '{name}.svg'\n\
         set border 3 lc '#444444'\n\
         set tics nomirror\n"
    )
}

/// Lines: the figure, the load, its name, and how it is drawn.
const LINES: [(&str, Load, &str, &str); 5] = [
    (
        figure::WALK,
        Load::PingPong,
        "kpatch’s walk, 100 processes play ping-pong, 2 CPUs",
        "lc '#b3541e' dt 2 pt 6",
    ),
    (
        figure::WALK,
        Load::Idle,
        "kpatch’s walk, idle",
        "lc '#b3541e' pt 7",
    ),
    (
        figure::WINDOW,
        Load::PingPong,
        "molt, 100 processes play ping-pong, 2 CPUs",
        "lc '#1f5fa8' dt 2 pt 6",
    ),
    (
        figure::WINDOW,
        Load::Idle,
        "molt, idle",
        "lc '#1f5fa8' pt 7",
    ),
    (
        figure::EMPTY,
        Load::Idle,
        "a window with nothing in it",
        "lc '#888888' pt 7",
    ),
];

fn window(figures: &Figures, beside: Option<&Figures>, kernel: &str) -> String {
    let mut script = head("window", 560);
    let mut lines = Vec::new();
    for (number, (figure, load, title, style)) in LINES.into_iter().enumerate() {
        // Under load with two processors, which makes molt's window longer.
        let figures = match load {
            Load::Idle => figures,
            Load::PingPong => beside.unwrap_or(figures),
        };
        let mut data = String::new();
        for place in figures.places() {
            if (place.functions, place.load) != (FUNCTIONS, load) {
                continue;
            }
            if let Some(value) = figures.median(figure, place) {
                // Writing to a string cannot fail.
                let _ = writeln!(data, "{} {value}", place.threads);
            }
        }
        if !data.is_empty() {
            let _ = write!(script, "$line{number} << EOD\n{data}EOD\n");
            lines.push(format!(
                "$line{number} using 1:2 with linespoints lw 2 ps 0.9 {style} title '{title}'"
            ));
        }
    }
    let _ = write!(
        script,
        "set title 'How long all CPUs are held, {FUNCTIONS} functions, Linux {kernel}'\n\
         set logscale xy\n\
         set xrange [70:45000]\n\
         set yrange [10:*]\n\
         set format x '%.0f'\n\
         set xtics (100, 1000, 10000, 30000)\n\
         set format y '10^{{%T}}'\n\
         set xlabel 'sleeping threads'\n\
         set ylabel 'instructions in the stop window'\n\
         set grid ytics lc '#dddddd'\n\
         set bmargin 9\n\
         set key at screen 0.5,0.02 center bottom horizontal maxcols 2 Left reverse samplen 3\n\
         plot {}\n",
        lines.join(", \\\n     ")
    );
    script
}

/// Modes, as the plot names them.
const BARS: [(&str, &str, &str); 6] = [
    ("plain", "not patched", "#888888"),
    ("entry_jmp", "a jump at the entry", "#888888"),
    ("molt_direct", "molt, direct", "#1f5fa8"),
    ("molt_ftrace", "molt, ftrace", "#1f5fa8"),
    ("kpatch", "kpatch’s handler", "#b3541e"),
    ("livepatch", "livepatch", "#b3541e"),
];

fn call(figures: &Figures, kernel: &str) -> String {
    let mut script = head("call", 360);
    let measured: Vec<_> = BARS
        .into_iter()
        .filter_map(|(mode, title, colour)| {
            let value = *figures.calls(mode).values().next()?;
            Some((title, colour, value))
        })
        .collect();
    let _ = write!(
        script,
        "set title 'One call of a patched function, Linux {kernel}'\n\
         unset key\n\
         set style fill solid\n\
         set xlabel 'instructions, the loop included'\n\
         set xrange [0:*]\n\
         set offsets 0, 6, 0, 0\n\
         set yrange [{}:-0.6]\n\
         set grid xtics lc '#dddddd'\n",
        measured.len() as f64 - 0.4
    );
    let mut tics = Vec::new();
    let mut bars = String::new();
    for (row, (title, colour, value)) in measured.iter().enumerate() {
        tics.push(format!("'{title}' {row}"));
        let rgb = u32::from_str_radix(&colour[1..], 16).unwrap_or_default();
        let _ = writeln!(bars, "{value} {row} {rgb}");
    }
    let _ = write!(
        script,
        "set ytics ({}) scale 0\n\
         $bars << EOD\n{bars}EOD\n\
         plot $bars using (0):2:(0):1:($2-0.32):($2+0.32):3 with boxxyerror lc rgb variable, \\\n     \
         $bars using 1:2:(sprintf('%.0f', $1)) with labels left offset 0.6,0\n",
        tics.join(", ")
    );
    script
}
