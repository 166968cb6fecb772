/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where clang builds a module for a kernel that gcc has built: the same
 * configuration without what only gcc has.  Per-CPU variables by a named
 * address space, for one: clang does not put the segment into inline assembly.
 */
#undef CONFIG_CC_IS_GCC
#undef CONFIG_CC_HAS_NAMED_AS
#undef CONFIG_USE_X86_SEG_SUPPORT
#define CONFIG_CC_IS_CLANG 1
