// QEMU plugin (API version 1): counts the guest's instructions and writes to the file that
// $INSTRUCTIONS names how many there were at every mark that the guest set, one a line. A mark is
// the system call getpriority(0, MARK). Declares what it uses of qemu-plugin.h, which Debian 12
// does not ship.
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t plugin_id;
struct qemu_plugin_tb;
enum { GETPRIORITY = 141, MARK = 0x6ed9e, MOST_MARKS = 256 };
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, void (*)(plugin_id, struct qemu_plugin_tb*));
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb*);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb*, enum qemu_plugin_op, void*,
                                              uint64_t);
typedef void (*on_syscall_fn)(plugin_id, unsigned, int64_t, uint64_t, uint64_t, uint64_t, uint64_t,
                              uint64_t, uint64_t, uint64_t, uint64_t);
void qemu_plugin_register_vcpu_syscall_cb(plugin_id, on_syscall_fn);
void qemu_plugin_register_atexit_cb(plugin_id, void (*)(plugin_id, void*), void*);

EXPORT int qemu_plugin_version = 1;

static uint64_t instructions;
static uint64_t marks[MOST_MARKS];
static size_t marked;

static void on_translation(plugin_id id, struct qemu_plugin_tb* block) {
  (void)id;
  qemu_plugin_register_vcpu_tb_exec_inline(block, QEMU_PLUGIN_INLINE_ADD_U64, &instructions,
                                           qemu_plugin_tb_n_insns(block));
}

static void on_syscall(plugin_id id, unsigned cpu, int64_t number, uint64_t a0, uint64_t a1,
                       uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5, uint64_t a6,
                       uint64_t a7) {
  (void)id, (void)cpu, (void)a0, (void)a2, (void)a3, (void)a4, (void)a5, (void)a6, (void)a7;
  if (number == GETPRIORITY && a1 == MARK && marked < MOST_MARKS) marks[marked++] = instructions;
}

static void report(plugin_id id, void* unused) {
  (void)id;
  (void)unused;
  const char* path = getenv("INSTRUCTIONS");
  FILE* file = path == NULL ? NULL : fopen(path, "w");
  if (file == NULL) return;
  for (size_t i = 0; i < marked; ++i) fprintf(file, "%" PRIu64 "\n", marks[i]);
  fclose(file);
}

EXPORT int qemu_plugin_install(plugin_id id, const void* info, int argc, char** argv) {
  (void)info;
  (void)argc;
  (void)argv;
  qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
  qemu_plugin_register_vcpu_syscall_cb(id, on_syscall);
  qemu_plugin_register_atexit_cb(id, report, NULL);
  return 0;
}
