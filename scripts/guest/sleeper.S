/* SPDX-License-Identifier: GPL-2.0 */
/* A process that sleeps in pause() for ever. */
#include <asm/unistd.h>

	.globl	_start
_start:
	mov	$__NR_pause, %eax
	syscall
	jmp	_start
