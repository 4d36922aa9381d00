// Preloaded into a process whose libraries have UD2 where they had CPUID: answers as the processor
// does, without what came after AVX2. On request it also counts, by sampling, how much of the time
// goes into EVEX-encoded instructions (AVX-512), which must be none.
#include <cpuid.h>
#include <link.h>
#include <sys/time.h>
#include <ucontext.h>

#include <csignal>
#include <cstdint>
#include <cstring>
#include <initializer_list>

namespace {

constexpr std::uint32_t bits(std::initializer_list<int> positions) {
  std::uint32_t mask = 0;
  for (int position : positions) mask |= 1U << position;
  return mask;
}

// Leaf 7, subleaf 0. EBX: AVX512 F, DQ, IFMA, PF, ER, CD, BW, VL.
constexpr std::uint32_t kLeaf7Ebx = bits({16, 17, 21, 26, 27, 28, 30, 31});
// ECX: VBMI, VBMI2, GFNI, VAES, VPCLMULQDQ, VNNI, BITALG, VPOPCNTDQ.
constexpr std::uint32_t kLeaf7Ecx = bits({1, 6, 8, 9, 10, 11, 12, 14});
// EDX: 4VNNIW, 4FMAPS, VP2INTERSECT, AMX BF16, AVX512 FP16, AMX TILE, AMX INT8.
constexpr std::uint32_t kLeaf7Edx = bits({2, 3, 8, 22, 23, 24, 25});

struct Registers {
  std::uint32_t eax, ebx, ecx, edx;
};

Registers masked_cpuid(std::uint32_t leaf, std::uint32_t subleaf) {
  Registers r{};
  __cpuid_count(leaf, subleaf, r.eax, r.ebx, r.ecx, r.edx);
  if (leaf == 7 && subleaf == 0) {
    r.ebx &= ~kLeaf7Ebx;
    r.ecx &= ~kLeaf7Ecx;
    r.edx &= ~kLeaf7Edx;
  }
  const bool only_newer = (leaf == 7 && subleaf > 0)                        // AVX-VNNI and its kin
                          || leaf == 0x1D || leaf == 0x1E || leaf == 0x24;  // AMX, AVX10
  return only_newer ? Registers{} : r;
}

greg_t& at(void* context, int index) {
  return static_cast<ucontext_t*>(context)->uc_mcontext.gregs[index];
}

void answer_cpuid(int, siginfo_t*, void* context) {
  std::uint8_t code[2];
  std::memcpy(code, reinterpret_cast<const void*>(at(context, REG_RIP)), sizeof code);
  if (code[0] != 0x0F || code[1] != 0x0B) {  // not ours: let it kill the process
    std::signal(SIGILL, SIG_DFL);
    return;
  }
  const Registers r = masked_cpuid(static_cast<std::uint32_t>(at(context, REG_RAX)),
                                   static_cast<std::uint32_t>(at(context, REG_RCX)));
  at(context, REG_RAX) = r.eax;
  at(context, REG_RBX) = r.ebx;
  at(context, REG_RCX) = r.ecx;
  at(context, REG_RDX) = r.edx;
  at(context, REG_RIP) += 2;
}

// The C library, whose copying functions are the same for all and use AVX-512 where there is some.
std::uintptr_t libc_begin = 0;
std::uintptr_t libc_end = 0;

int find_libc(dl_phdr_info* info, std::size_t, void*) {
  if (std::strstr(info->dlpi_name, "/libc.so") == nullptr) return 0;
  libc_begin = info->dlpi_addr;
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr)& header = info->dlpi_phdr[i];
    if (header.p_type == PT_LOAD) libc_end = libc_begin + header.p_vaddr + header.p_memsz;
  }
  return 1;
}

volatile std::int64_t samples = 0;
volatile std::int64_t evex_samples = 0;

void sample(int, siginfo_t*, void* context) {
  constexpr std::uint8_t kEvexPrefix = 0x62;  // means nothing else in 64-bit code
  const auto address = static_cast<std::uintptr_t>(at(context, REG_RIP));
  if (address >= libc_begin && address < libc_end) return;
  std::uint8_t first = 0;
  std::memcpy(&first, reinterpret_cast<const void*>(address), 1);
  samples = samples + 1;
  if (first == kEvexPrefix) evex_samples = evex_samples + 1;
}

void handle(int signal, void (*handler)(int, siginfo_t*, void*), int flags) {
  struct sigaction action {};
  action.sa_sigaction = handler;
  action.sa_flags = SA_SIGINFO | flags;
  sigaction(signal, &action, nullptr);
}

__attribute__((constructor)) void install() { handle(SIGILL, answer_cpuid, SA_NODEFER); }

}  // namespace

extern "C" {

// Samples the instruction pointer every millisecond of processor time until stopped.
__attribute__((visibility("default"))) void cpuid_mask_start_sampling() {
  dl_iterate_phdr(find_libc, nullptr);
  samples = evex_samples = 0;
  handle(SIGPROF, sample, SA_RESTART);
  const itimerval every{{0, 1000}, {0, 1000}};
  setitimer(ITIMER_PROF, &every, nullptr);
}

__attribute__((visibility("default"))) void cpuid_mask_stop_sampling(std::int64_t* all,
                                                                     std::int64_t* evex) {
  const itimerval never{};
  setitimer(ITIMER_PROF, &never, nullptr);
  *all = samples;
  *evex = evex_samples;
}
}
