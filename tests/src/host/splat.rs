// SPDX-License-Identifier: GPL-2.0
//! Finds in a console log what a healthy kernel never prints.

/// Any of these words fails the test that caused them.
const SPLATS: &[&str] = &[
    "WARNING: ",
    "BUG: ",
    "BUG at ",
    "kernel BUG",
    "Oops",
    "Kernel panic",
    "general protection fault",
    "unable to handle",
    "invalid opcode",
    "divide error",
    "int3: ",
    "stack guard page",
    "stack segment: ",
    "double fault",
    "Call Trace",
    "possible circular locking",
    "possible recursive locking",
    "inconsistent lock state",
    "suspicious RCU usage",
    "sleeping function called from invalid context",
    "scheduling while atomic",
    "rcu_preempt detected",
    "rcu_tasks detected stalls",
    "rcu_tasks_rude detected stalls",
    "self-detected stall",
    "blocked for more than",
    "soft lockup",
    "hard LOCKUP",
    "refcount_t: ",
    "list_add corruption",
    "list_del corruption",
    "slab-use-after-free",
    "Uhhuh. NMI received",
    "unreliable stack",
    "------------[ cut here ]",
    "kobject_add_internal failed",
    "sysfs: cannot create duplicate",
    "invalid relocation target",
    "Invalid relocation target",
    "rust_kernel: panicked",
    "panicked at",
];

/// The first lines in the log that a healthy kernel would not have printed,
/// except those that contain one of `expected`.
pub fn find<'log>(console: &'log str, expected: &[&str]) -> Vec<&'log str> {
    console
        .lines()
        .filter(|line| SPLATS.iter().any(|splat| line.contains(splat)))
        .filter(|line| !expected.iter().any(|pattern| line.contains(pattern)))
        .take(5)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn finds_warnings_and_nothing_else() {
        let log = "[ 1.0] molt: loading out-of-tree module taints kernel.\n\
                   [ 2.0] WARNING: kernel/rcu/tree.c:1 at foo+0x1/0x2\n";
        assert_eq!(find(log, &[]).len(), 1);
        assert!(find(log, &["kernel/rcu/tree.c:1"]).is_empty());
    }
}
