/* Stands in for libnvidia-ml.so.1: answers from variables, as a driver in trouble would.

   NVML_INIT    what nvmlInitWithFlags returns (18 mismatch, 999 unknown); `hang` never returns;
                `crash` ends the process
   NVML_COUNT   how many GPUs there are (1)
   NVML_LOST    the index of a GPU that is lost (15)
   NVML_USED    bytes in use on each GPU
   NVML_ECC     uncorrectable errors since the driver was loaded
   NVML_FABRIC  fabric state: 0 not supported, 1 not started, 2 in progress, 3 completed
   NVML_DRIVER  the version of the driver (580.95.05)
   NVML_CUDA    the newest CUDA that it runs, as a number (13000)
   NVML_CAPABILITY  compute capability, as major * 10 + minor (90)
   NVML_EVENTS  why the clocks are what they are, as bits of nvml.h (1, idle)
   NVML_MODE    compute mode: 0 default, 2 prohibited, 3 exclusive process (3)
   NVML_PERSISTENCE  persistence mode (1)
   NVML_LANES   PCIe lanes in use, of 16 (16)
   NVML_MIG     if set, whether each GPU is divided; otherwise none can be
   NVML_POOR    if set, each question about a GPU but its name is answered with 3, not supported */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SUCCESS = 0, NOT_SUPPORTED = 3, INSUFFICIENT_SIZE = 7, LOST = 15 };

static long told(const char *name, long otherwise) {
    const char *value = getenv(name);
    return value && *value ? atol(value) : otherwise;
}
static const char *said(const char *name, const char *otherwise) {
    const char *value = getenv(name);
    return value && *value ? value : otherwise;
}

#define POOR() if (getenv("NVML_POOR")) return NOT_SUPPORTED

int nvmlInitWithFlags(unsigned flags) {
    const char *value = getenv("NVML_INIT");
    (void)flags;
    if (value && !strcmp(value, "hang")) for (;;) pause();
    if (value && !strcmp(value, "crash")) raise(SIGSEGV);
    return (int)told("NVML_INIT", 0);
}
int nvmlShutdown(void) { return SUCCESS; }
const char *nvmlErrorString(int error) { (void)error; return "an error"; }
int nvmlSystemGetDriverVersion(char *text, unsigned size) { snprintf(text, size, "%s", said("NVML_DRIVER", "580.95.05")); return SUCCESS; }
int nvmlSystemGetCudaDriverVersion(int *version) { *version = (int)told("NVML_CUDA", 13000); return SUCCESS; }
int nvmlSystemGetCudaDriverVersion_v2(int *version) { *version = (int)told("NVML_CUDA", 13000); return SUCCESS; }
int nvmlDeviceGetCount_v2(unsigned *count) { *count = (unsigned)told("NVML_COUNT", 1); return SUCCESS; }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **handle) {
    if ((long)index == told("NVML_LOST", -1)) return LOST;
    *handle = (void *)(size_t)(index + 1);
    return SUCCESS;
}
int nvmlDeviceGetName(void *handle, char *text, unsigned size) {
    (void)handle; snprintf(text, size, "NVIDIA Stand-in"); return SUCCESS;
}
int nvmlDeviceGetUUID(void *handle, char *text, unsigned size) {
    POOR(); snprintf(text, size, "GPU-%08zx", (size_t)handle); return SUCCESS;
}
int nvmlDeviceGetPciInfo_v3(void *handle, char *info) {
    POOR();
    /* char busIdLegacy[16]; five unsigned: domain, bus, device, ids; char busId[32] */
    memset(info, 0, 68);
    snprintf(info + 36, 32, "00000000:%02zX:00.0", (size_t)handle);
    return SUCCESS;
}
int nvmlDeviceGetCudaComputeCapability(void *handle, int *major, int *minor) {
    (void)handle; POOR();
    *major = (int)told("NVML_CAPABILITY", 90) / 10; *minor = (int)told("NVML_CAPABILITY", 90) % 10;
    return SUCCESS;
}
int nvmlDeviceGetMemoryInfo(void *handle, unsigned long long *memory) {
    (void)handle; POOR();
    memory[0] = 80ULL << 30; memory[2] = (unsigned long long)told("NVML_USED", 0);
    memory[1] = memory[0] - memory[2];
    return SUCCESS;
}
int nvmlDeviceGetComputeRunningProcesses_v3(void *handle, unsigned *count, char *processes) {
    (void)handle; POOR();
    if (!told("NVML_USED", 0)) { *count = 0; return SUCCESS; }
    if (!processes) { *count = 1; return INSUFFICIENT_SIZE; }
    /* unsigned pid; unsigned long long used; unsigned, unsigned: MIG instances */
    memset(processes, 0, 24);
    *(unsigned *)processes = 4242;
    *(unsigned long long *)(processes + 8) = (unsigned long long)told("NVML_USED", 0);
    *count = 1;
    return SUCCESS;
}
int nvmlDeviceGetComputeMode(void *handle, int *mode) { (void)handle; POOR(); *mode = (int)told("NVML_MODE", 3); return SUCCESS; }
int nvmlDeviceGetPersistenceMode(void *handle, int *mode) {
    (void)handle; POOR(); *mode = (int)told("NVML_PERSISTENCE", 1); return SUCCESS;
}
int nvmlDeviceGetMigMode(void *handle, unsigned *current, unsigned *pending) {
    (void)handle; POOR();
    if (!getenv("NVML_MIG")) return NOT_SUPPORTED;
    *current = *pending = (unsigned)told("NVML_MIG", 0);
    return SUCCESS;
}
int nvmlDeviceGetCurrentClocksThrottleReasons(void *handle, unsigned long long *bits) {
    (void)handle; POOR(); *bits = (unsigned long long)told("NVML_EVENTS", 1); return SUCCESS;
}
int nvmlDeviceGetTemperature(void *handle, int sensor, unsigned *celsius) {
    (void)handle; (void)sensor; POOR(); *celsius = 41; return SUCCESS;
}
int nvmlDeviceGetPowerUsage(void *handle, unsigned *milliwatts) { (void)handle; POOR(); *milliwatts = 71500; return SUCCESS; }
int nvmlDeviceGetTotalEccErrors(void *handle, int kind, int counter, unsigned long long *count) {
    (void)handle; (void)kind; POOR();
    *count = counter == 0 ? (unsigned long long)told("NVML_ECC", 0) : 0;
    return SUCCESS;
}
int nvmlDeviceGetRemappedRows(void *handle, unsigned *corrected, unsigned *uncorrected, unsigned *pending, unsigned *failed) {
    (void)handle; POOR(); *corrected = *uncorrected = *pending = *failed = 0; return SUCCESS;
}
int nvmlDeviceGetCurrPcieLinkWidth(void *handle, unsigned *lanes) {
    (void)handle; POOR(); *lanes = (unsigned)told("NVML_LANES", 16); return SUCCESS;
}
int nvmlDeviceGetMaxPcieLinkWidth(void *handle, unsigned *lanes) { (void)handle; POOR(); *lanes = 16; return SUCCESS; }
int nvmlDeviceGetCurrPcieLinkGeneration(void *handle, unsigned *number) { (void)handle; POOR(); *number = 1; return SUCCESS; }
int nvmlDeviceGetMaxPcieLinkGeneration(void *handle, unsigned *number) { (void)handle; POOR(); *number = 5; return SUCCESS; }
int nvmlDeviceGetGpuFabricInfo(void *handle, char *info) {
    (void)handle; POOR();
    /* unsigned char cluster[16]; int status; unsigned clique; unsigned char state */
    memset(info, 0, 28);
    info[24] = (char)told("NVML_FABRIC", 3);
    return SUCCESS;
}
