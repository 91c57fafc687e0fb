/* Loaded and unloaded at run time, as plugins are, without LD_PRELOAD; not linked with the library.
   Arguments: library= is the path of libpromfetch.so.1, good= the address of an instance. */
#define _GNU_SOURCE
#include "process.h"
#include <dlfcn.h>
#include <promfetch.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition) ((condition) ? (void)0 : (fprintf(stderr, "line %d: not so: %s\n", __LINE__, #condition), exit(1)))

/* ISO C knows no way from a data pointer to a function pointer; POSIX promises this one. */
#define FUNCTION(name) (*(void **)&name = dlsym(library, "promfetch_" #name), CHECK(name))

static int is_mapped(void) {
    char line[4096];
    int found = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (maps && fgets(line, sizeof line, maps)) found |= strstr(line, "libpromfetch.so") != NULL;
    if (maps) fclose(maps);
    return found;
}

int main(int argc, char **argv) {
    const char *path = NULL, *good = NULL;
    for (int i = 1; i < argc; i++) {
        if (!strncmp(argv[i], "library=", 8)) path = argv[i] + 8;
        if (!strncmp(argv[i], "good=", 5)) good = argv[i] + 5;
    }
    CHECK(path && good);
    CHECK(!is_mapped());
    for (int i = 0; i < 10; i++) {
        void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        if (!library) fprintf(stderr, "%s\n", dlerror());
        CHECK(library);
        promfetch_options *(*options_new)(void);
        uint32_t (*options_set)(promfetch_options *, const char *, const char *, promfetch_error **);
        void (*options_free)(promfetch_options *);
        promfetch_client *(*client_new)(const promfetch_options *, promfetch_error **);
        uint32_t (*client_wait_ready)(const promfetch_client *, uint64_t, promfetch_error **);
        void (*client_free)(promfetch_client *);
        promfetch_exposition *(*fetch)(const promfetch_client *, const char *, promfetch_error **);
        const char *(*exposition_data)(const promfetch_exposition *, size_t *);
        void (*exposition_free)(promfetch_exposition *);
        const char *(*error_message)(const promfetch_error *);
        FUNCTION(options_new), FUNCTION(options_set), FUNCTION(options_free), FUNCTION(client_new), FUNCTION(client_wait_ready);
        FUNCTION(client_free), FUNCTION(fetch), FUNCTION(exposition_data), FUNCTION(exposition_free), FUNCTION(error_message);

        promfetch_error *err = NULL;
        char targets[256];
        snprintf(targets, sizeof targets, "[{\"organization\":\"o\",\"space\":\"s\",\"app\":\"a\",\"address\":\"%s\"}]", good);
        promfetch_options *options = options_new();
        options_set(options, "targets", targets, &err);
        promfetch_client *client = client_new(options, &err);
        options_free(options);
        client_wait_ready(client, 60000, &err);
        promfetch_exposition *page = fetch(client, "o/s/a", &err);
        if (err) fprintf(stderr, "%s\n", error_message(err));
        CHECK(strstr(exposition_data(page, NULL), "requests_total"));
        exposition_free(page);
        client_free(client);
        CHECK(dlclose(library) == 0);
        /* Threads may still be on their way out of its code. */
        CHECK(is_mapped());
        CHECK(comes_down_to(threads, 1));
    }
    return 0;
}
