// SPDX-License-Identifier: GPL-2.0
/*
 * Objects that have an address and nothing else, for shadow variables.
 *
 * "OBJECT ID OPERATION VALUE" written to /proc/target/object calls
 * target_object(); what it returned is then read from the same open file, so
 * that several may write at once.
 */
#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/proc_fs.h>
#include <linux/uaccess.h>
#include "target.h"

#define OBJECTS 1000

static struct target_object {
	char nothing;
} objects[OBJECTS];

long target_object(struct target_object *object, unsigned int id,
		   unsigned int operation, long value);

/* Its replacements do the operation on the object's shadow variable. */
TARGET long target_object(struct target_object *object, unsigned int id,
			  unsigned int operation, long value)
{
	return -ENOSYS;
}

static ssize_t object_write(struct file *file, const char __user *buffer,
			    size_t count, loff_t *position)
{
	unsigned int object, id, operation;
	char text[64] = {};
	long value;

	if (count >= sizeof(text) || copy_from_user(text, buffer, count) ||
	    sscanf(text, "%u %x %u %ld", &object, &id, &operation, &value) != 4 ||
	    object >= OBJECTS)
		return -EINVAL;
	file->private_data = (void *)target_object(&objects[object], id, operation, value);
	return count;
}

static ssize_t object_read(struct file *file, char __user *buffer, size_t count,
			   loff_t *position)
{
	char text[32];
	int length = scnprintf(text, sizeof(text), "%ld\n", (long)file->private_data);

	return simple_read_from_buffer(buffer, count, position, text, length);
}

const struct proc_ops target_object_file = {
	.proc_write = object_write,
	.proc_read = object_read,
	.proc_lseek = default_llseek,
};
