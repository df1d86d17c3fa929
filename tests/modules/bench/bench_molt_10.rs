// SPDX-License-Identifier: GPL-2.0

//! Ten functions for the benchmark.

use molt::prelude::*;

#[path = "molt/replace.rs"]
mod replace;
use replace::replace;
#[path = "molt/rest.rs"]
mod rest;
use rest::rest;

replace! {
    "Ten functions for the benchmark";
    bench_f000 => f000 2000,
    bench_f001 => rest,
    bench_f002 => f002 2002,
    bench_f003 => f003 2003,
    bench_f004 => f004 2004,
    bench_f005 => f005 2005,
    bench_f006 => f006 2006,
    bench_f007 => f007 2007,
    bench_f008 => f008 2008,
    bench_f009 => f009 2009,
}
