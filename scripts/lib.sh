# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# What all scripts share: where things are, how they speak, and how a folder of the cache is made.
#
# Scripts other than `root` and `enter` run inside the build root. Each of them calls `inside "$@"`
# first, which starts it there when it is not there yet, so every script can be called from
# anywhere.
#
# Environment that a user may set:
#   MOLT_CACHE  folder of everything that outlives a checkout (default: ~/.cache/molt)
#   KERNEL      kernel release to build for and to boot (default: the newest one that has Rust)
#   KDIR        a prepared kernel tree with Rust to build against instead
#   MOLT_ACCEL  QEMU's accelerator (default: tcg, one thread: the same result on every machine)
#
# Environment that `scripts/kernel --env` prints, and that make gives to all that it starts, the
# test runner included:
#   MOLT_RELEASE       the release, as `uname -r` shows it in the guest
#   MOLT_OUT           where its modules are built: the checkout, or with KERNEL build/<release>
#   MOLT_KDIR          the prepared kernel tree
#   MOLT_SYMVERS       its Module.symvers
#   MOLT_CC            the compiler it was configured with
#   MOLT_KERNEL_IMAGE  what QEMU boots
#   MOLT_VMLINUX       the kernel unpacked, with its own table of symbols
#   MOLT_VMLINUZ       the kernel packed, as kexec takes it
#   MOLT_BTF           a vmlinux with the kernel's BTF
#   MOLT_MODULES       /lib/modules/<release> of the kernel package

set -euo pipefail
umask 022

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
home=~
cache=$(realpath -m -- "${MOLT_CACHE:-${XDG_CACHE_HOME:-$home/.cache}/molt}")

say() { printf 'molt: %s\n' "$*" >&2; }

die() {
    printf 'molt: error: %s\n' "$*" >&2
    exit 1
}

# Starts the calling script again inside the build root, unless that is where it runs.
inside() {
    [ -n "${MOLT_INSIDE:-}" ] || exec "$top/scripts/enter" "$0" "$@"
}

# Describes the kernel in the environment, unless make has done so.
with_kernel() {
    local settings
    [ -z "${MOLT_KDIR:-}" ] || return 0
    settings=$("$top/scripts/kernel" --env)
    while IFS= read -r setting; do export "${setting?}"; done <<<"$settings"
}

# step WORDS LOG COMMAND…: runs COMMAND with its output appended to LOG; says what is going on, how
# long it took and, when it fails, the end of the log.
step() {
    local start=$SECONDS
    step_words=$1 step_log=$2
    shift 2
    say "$step_words"
    printf '== %s\n' "$step_words" >>"$step_log"
    tell_progress "$start" "$step_log" &
    step_ticker=$!
    "$@" >>"$step_log" 2>&1 </dev/null
    stop_ticker
    say "$step_words: done in $((SECONDS - start)) s"
    step_words=
}

# Every 20 seconds one line with the time that passed and the end of LOG. `read` is the clock: a
# `sleep` would outlive the step and keep the caller's pipes open.
tell_progress() {
    trap - EXIT INT
    while :; do
        read -rt 20 <> <(:) || :
        say "  … $((SECONDS - $1)) s  $(tail -n 1 -- "$2" | sed '/^==/d' | tr -d '\r' | cut -c 1-80)"
    done
}

stop_ticker() {
    [ -z "${step_ticker:-}" ] || kill "$step_ticker" 2>/dev/null || :
    step_ticker=
}

# Whatever ends a script, a half-made folder does not stay.
finish() {
    local status=$?
    trap - EXIT
    stop_ticker
    if [ "$status" -eq 130 ]; then
        say "interrupted; cleaning up"
    elif [ "$status" -ne 0 ] && [ -n "${step_words:-}" ]; then
        tail -n 15 -- "$step_log" | cut -c 1-200 | sed 's/^/  | /' >&2
        say "error: $step_words: failed; the whole log is $step_log"
    fi
    [ -z "${unfinished:-}" ] || discard "$unfinished"
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT

discard() {
    [ ! -e "$1" ] || { chmod -R u+w -- "$1" && rm -rf -- "$1"; }
}

is_complete() { [ -e "$1/.complete" ]; }

# once FOLDER COMMAND…: makes FOLDER of the cache by COMMAND FOLDER, unless it is there. The mark
# `.complete` is set last, and only one process at a time works on it, so that neither an
# interruption nor a second make leaves something half-made that looks whole.
once() {
    local folder=$1 lock
    shift
    is_complete "$folder" && return
    if ! mkdir -p -- "${folder%/*}" "$cache/log" || [ ! -w "${folder%/*}" ]; then
        die "cannot write to the cache $cache (set MOLT_CACHE to a folder of yours)"
    fi
    exec {lock}>"$folder.lock"
    if ! flock -n "$lock"; then
        say "another run is making ${folder##*/}: waiting for it"
        flock "$lock"
    fi
    if ! is_complete "$folder"; then
        discard_leftovers "$folder"
        unfinished=$folder
        mkdir -- "$folder"
        "$@" "$folder"
        : >"$folder/.complete"
        unfinished=
    fi
    exec {lock}>&-
}

# discard_leftovers FOLDER: removes what is left of it and of its siblings under other hashes when
# they were interrupted too hard to clean up: they lack the mark, and nobody else locks them.
discard_leftovers() {
    local folder
    for folder in "${1%-*}"-*/; do
        folder=${folder%/}
        if is_complete "$folder" || [ ! -d "$folder" ]; then continue; fi
        if [ "$folder" = "$1" ] || flock -n "$folder.lock" true; then discard "$folder"; fi
    done
}

# need_space GIGABYTES: fails early rather than in the middle.
need_space() {
    local free
    free=$(df --output=avail -BG -- "$cache" | tail -n 1 | tr -dc 0-9)
    [ "$free" -ge "$1" ] ||
        die "$cache has ${free} GB free, $1 GB are needed (set MOLT_CACHE to a folder with more)"
}

# digest: names content by the first digits of its hash.
digest() { sha256sum | cut -c 1-12; }
