/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MOLT_TESTS_JOURNAL_H
#define MOLT_TESTS_JOURNAL_H

/* Notes an entry; -ENODEV when the test wants it refused. */
int journal_note(const char *who, const char *what, const char *where);

#endif
