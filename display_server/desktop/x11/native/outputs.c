/* Gives an Xvfb more outputs than the one it is born with: preloaded into it, LIGHTBOX_OUTPUTS says how many.
 *
 * Programs take their monitors from RandR's outputs (Qt 5 from nothing else, and GTK 3 leaves out monitors that have none), and no
 * client can add one. The server's own functions can, and its program file exports them. They are called once, before the server
 * waits for its first client. Where anything is not as expected nothing is done, and the server runs as it always did.
 * Newer servers than Debian 12's have an option for this; rejected: Xorg with its dummy driver, which keeps its pixels in memory of its own.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

enum { FORMATS = 8, SCREENS = 16, OUTPUTS_MAX = 16, CONNECTED = 0, GAMMA_SIZE = 256 };

/* include/scrnintstr.h of the X server, as far as it is needed. A screen begins with its number. */
struct screen_info {
  int byte_order, bitmap_unit, bitmap_pad, bitmap_order, format_count;
  unsigned char formats[FORMATS][3];
  int screen_count;
  const int *screens[SCREENS];
};

typedef int wait_function(int, struct epoll_event *, int, int);

static int wanted;

/* Programs that the server starts itself (xkbcomp) are none of ours. */
__attribute__((constructor)) static void look_around(void) {
  const char *count = getenv("LIGHTBOX_OUTPUTS");
  wanted = count ? atoi(count) : 0;
  if (wanted > OUTPUTS_MAX) wanted = OUTPUTS_MAX;
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
  for (int number = 1; number < wanted; number++) {
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

/* The server's loop waits here, and nowhere else. */
int epoll_wait(int descriptor, struct epoll_event *events, int count, int timeout_ms) {
  static wait_function *wait;
  if (!wait) {
    wait = (wait_function *)dlsym(RTLD_NEXT, "epoll_wait");
    if (wanted > 1) add_outputs();
  }
  return wait(descriptor, events, count, timeout_ms);
}
