/* Adds RandR outputs to an Xvfb, which has a single output by itself. The X server preloads this library (LD_PRELOAD); the variable
 * LIGHTBOX_OUTPUTS has the number of outputs that the server then has.
 *
 * Programs derive their monitors from RandR's outputs: Qt 5 uses nothing else, and GTK 3 ignores monitors without an output. No client
 * can add an output, but the executable of the X server exports the functions that can. This library calls them once, before the
 * server waits for its first client. If anything differs from what the library expects, it adds nothing and the server runs as usual.
 *
 * X servers that are newer than Debian 12's have an option for this. Xorg with its dummy driver was rejected, because it does not keep
 * its pixels in a file that other processes can map.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

enum { FORMATS = 8, SCREENS = 16, OUTPUTS_MAX = 16, CONNECTED = 0, GAMMA_SIZE = 256 };

/* The begin of ScreenInfo in include/scrnintstr.h of the X server. The first member of a screen is its number. */
struct screen_info {
  int byte_order, bitmap_unit, bitmap_pad, bitmap_order, format_count;
  unsigned char formats[FORMATS][3];
  int screen_count;
  const int *screens[SCREENS];
};

typedef int wait_function(int, struct epoll_event *, int, int);

/* The number of outputs that the server is to have, from LIGHTBOX_OUTPUTS. */
static int output_count;

/* Reads the number of outputs. Programs that the server starts itself, as xkbcomp, must not preload this library. */
__attribute__((constructor)) static void read_environment(void) {
  const char *count = getenv("LIGHTBOX_OUTPUTS");
  output_count = count ? atoi(count) : 0;
  if (output_count > OUTPUTS_MAX) output_count = OUTPUTS_MAX;
  unsetenv("LD_PRELOAD");
}

static void add_outputs(void) {
  const struct screen_info *info = dlsym(RTLD_DEFAULT, "screenInfo");
  void *(*create_crtc)(const void *, void *) = dlsym(RTLD_DEFAULT, "RRCrtcCreate");
  int (*set_gamma_size)(void *, int) = dlsym(RTLD_DEFAULT, "RRCrtcGammaSetSize");
  void *(*create_output)(const void *, const char *, int, void *) = dlsym(RTLD_DEFAULT, "RROutputCreate");
  int (*set_crtcs)(void *, void **, int) = dlsym(RTLD_DEFAULT, "RROutputSetCrtcs");
  int (*set_connection)(void *, unsigned char) = dlsym(RTLD_DEFAULT, "RROutputSetConnection");
  if (!info || !create_crtc || !set_gamma_size || !create_output || !set_crtcs || !set_connection) return;
  if (info->screen_count != 1 || !info->screens[0] || *info->screens[0] != 0) return;
  for (int number = 1; number < output_count; number++) {
    char name[16];
    int length = snprintf(name, sizeof name, "screen-%d", number);
    void *crtc = create_crtc(info->screens[0], NULL);
    void *output = crtc ? create_output(info->screens[0], name, length, NULL) : NULL;
    if (!output) return;
    set_gamma_size(crtc, GAMMA_SIZE);
    set_crtcs(output, &crtc, 1);
    set_connection(output, CONNECTED);
  }
}

/* Replaces the C library's function, in which the server's main loop waits. The first call adds the outputs. */
int epoll_wait(int descriptor, struct epoll_event *events, int count, int timeout_ms) {
  static wait_function *wait;
  if (!wait) {
    wait = (wait_function *)dlsym(RTLD_NEXT, "epoll_wait");
    if (output_count > 1) add_outputs();
  }
  return wait(descriptor, events, count, timeout_ms);
}
