/*
 * A disk that fails on request, for one process: loaded before the C library, it lets chosen calls on chosen files fail.
 *
 * The file that FAILING_DISK names holds one line for each kind of call that is to fail:
 *
 *   read|write|sync  errno  from-byte  times (0: always)  part-of-the-path
 *
 * While it is not there, all is well. Every call that was failed adds a line to the file of that name with ".log".
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

/* Past the functions below, which are what the C library would call. */
static long contents(const char *path, char *text, long size) {
  long file = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
  if (file < 0) return -1;
  long bytes = syscall(SYS_read, file, text, size - 1);
  syscall(SYS_close, file);
  if (bytes >= 0) text[bytes] = 0;
  return bytes;
}

static void note(const char *orders, const char *call, const char *path) {
  char log[4096], line[4600];
  snprintf(log, sizeof log, "%s.log", orders);
  int length = snprintf(line, sizeof line, "%s %s\n", call, path);
  long file = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (file < 0) return;
  syscall(SYS_write, file, line, length);
  syscall(SYS_close, file);
}

/* Of those that are to be few, in this process, since all was last well. */
static int failures;

/* offset: -1 where the call has none, and goes on where the last one ended */
static int fails(const char *call, int fd, off_t offset, size_t size) {
  const char *orders = getenv("FAILING_DISK");
  if (orders == NULL) return 0;
  int before = errno;
  char text[1024];
  if (contents(orders, text, sizeof text) <= 0) {
    failures = 0;
    errno = before;
    return 0;
  }
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  long length = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
  errno = before;
  if (length <= 0) return 0;
  path[length] = 0;
  char *rest = NULL;
  for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
    char wanted[16], part[512];
    int code, times;
    long from;
    if (sscanf(line, "%15s %d %ld %d %511s", wanted, &code, &from, &times, part) != 5) continue;
    if (strcmp(wanted, call) != 0 || strstr(path, part) == NULL) continue;
    if (from > 0 && (offset < 0 ? lseek(fd, 0, SEEK_CUR) : offset) + (off_t)size <= from) continue;
    if (times > 0 && __atomic_add_fetch(&failures, 1, __ATOMIC_SEQ_CST) > times) continue;
    note(orders, call, path);
    errno = code;
    return 1;
  }
  return 0;
}

#define REAL(name) \
  if (real == NULL) real = (__typeof__(real))dlsym(RTLD_NEXT, name);

#define WITHOUT_OFFSET(call, name, bytes_t, size_type, bytes_wanted)       \
  ssize_t name(int fd, bytes_t bytes, size_type size) {                    \
    static ssize_t (*real)(int, bytes_t, size_type);                       \
    REAL(#name)                                                            \
    return fails(call, fd, -1, bytes_wanted) ? -1 : real(fd, bytes, size); \
  }

#define WITH_OFFSET(call, name, bytes_t, size_type, bytes_wanted)                      \
  ssize_t name(int fd, bytes_t bytes, size_type size, off_t offset) {                  \
    static ssize_t (*real)(int, bytes_t, size_type, off_t);                            \
    REAL(#name)                                                                        \
    return fails(call, fd, offset, bytes_wanted) ? -1 : real(fd, bytes, size, offset); \
  }

#define SYNCS(name)                                  \
  int name(int fd) {                                 \
    static int (*real)(int);                         \
    REAL(#name)                                      \
    return fails("sync", fd, -1, 0) ? -1 : real(fd); \
  }

typedef void *room;
typedef const void *content;
typedef const struct iovec *pieces;

static size_t in_all(pieces piece, int count) {
  size_t sum = 0;
  for (int n = 0; n < count; n++) sum += piece[n].iov_len;
  return sum;
}

WITHOUT_OFFSET("read", read, room, size_t, size)
WITHOUT_OFFSET("read", readv, pieces, int, in_all(bytes, size))
WITH_OFFSET("read", pread, room, size_t, size)
WITH_OFFSET("read", pread64, room, size_t, size)
WITH_OFFSET("read", preadv, pieces, int, in_all(bytes, size))
WITH_OFFSET("read", preadv64, pieces, int, in_all(bytes, size))
WITHOUT_OFFSET("write", write, content, size_t, size)
WITHOUT_OFFSET("write", writev, pieces, int, in_all(bytes, size))
WITH_OFFSET("write", pwrite, content, size_t, size)
WITH_OFFSET("write", pwrite64, content, size_t, size)
WITH_OFFSET("write", pwritev, pieces, int, in_all(bytes, size))
WITH_OFFSET("write", pwritev64, pieces, int, in_all(bytes, size))
SYNCS(fsync)
SYNCS(fdatasync)
