/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The few kernel items molt needs that `kernel::bindings` does not carry. Kbuild runs bindgen over
 * this header and lets through what the allow-list there names.
 */
#include <linux/bpf.h>
#include <linux/kallsyms.h>
#include <linux/livepatch.h>
#include <linux/preempt.h>
#include <linux/stop_machine.h>
#include <asm/unwind.h>

/* Macros with casts or sizeof in them, which bindgen passes over. */
enum molt_constants {
	KSYM_SYMBOL_LEN_ = KSYM_SYMBOL_LEN,
	NMI_MASK_ = NMI_MASK,
	/* From the beginning of the modules' area to the end of all addresses. */
	MODULES_ROOM_ = -MODULES_VADDR,
	BPF_TARGET_ADDRESS_ = offsetof(struct bpf_attach_target_info, tgt_addr),
};
