/* A client after a fork: the child gets an error in place of a wait that never ends, may make its own, and the parent
   goes on. Arguments: good= is the address of an instance. */
#define _GNU_SOURCE
#include "check.h"
#include "process.h"
#include <sys/wait.h>

static promfetch_error *err;

static void child(promfetch_client *c, promfetch_request *r, promfetch_exposition *page, promfetch_call *call) {
    alarm(100); /* a wait that never ends is a failure */
    FAILS(promfetch_client_wait_ready(c, 60000, &err), PROMFETCH_FORKED, NULL);
    FAILS(promfetch_client_set_targets(c, "[]", 2, &err), PROMFETCH_FORKED, NULL);
    GIVES_NULL(promfetch_client_snapshot(c, &err), PROMFETCH_FORKED, NULL);
    GIVES_NULL(promfetch_client_metrics(c, &err), PROMFETCH_FORKED, NULL);
    GIVES_NULL(promfetch_fetch(c, "org/space/good", &err), PROMFETCH_FORKED, NULL);
    GIVES_NULL(promfetch_fetch_request(c, r, &err), PROMFETCH_FORKED, NULL);
    GIVES_NULL(promfetch_discover(c, "org/space/good", &err), PROMFETCH_FORKED, NULL);
    GIVES_NULL(promfetch_discover_request(c, r, &err), PROMFETCH_FORKED, NULL);
    GIVES_NULL(promfetch_instances(c, "org/space/good", &err), PROMFETCH_FORKED, NULL);
    GIVES_NULL(promfetch_instances_request(c, r, &err), PROMFETCH_FORKED, NULL);
    GIVES_NULL(promfetch_stream_open(c, r, &err), PROMFETCH_FORKED, NULL);
    GIVES_NULL(promfetch_call_start(c, "api", "call", &err), PROMFETCH_FORKED, NULL);
    FAILS(promfetch_call_increment(c, "api", "call", &err), PROMFETCH_FORKED, NULL);
    promfetch_call_end(call);
    promfetch_client_free(c);
    /* What needs no thread works: pages that are there, and merging. */
    CHECK_CONTAINS(promfetch_exposition_data(page, NULL), "requests_total");
    promfetch_merge *merge = promfetch_merge_new();
    promfetch_merge_add(merge, NULL, NULL, "a 1\n", 4, &err);
    promfetch_exposition *merged = promfetch_merge_finish(merge, &err);
    CHECK_CONTAINS(promfetch_exposition_data(merged, NULL), "a 1\n");
    promfetch_exposition_free(merged);
    promfetch_merge_free(merge);
    promfetch_request_free(r);
    promfetch_exposition_free(page);
    /* And a client of its own. */
    const char *const apps[][2] = {{"good", given("good")}};
    c = client_of(1, apps);
    page = promfetch_fetch(c, "org/space/good", &err);
    NO_ERROR(err);
    CHECK_CONTAINS(promfetch_exposition_data(page, NULL), "requests_total");
    promfetch_exposition_free(page);
    promfetch_client_free(c);
    CHECK(comes_down_to(threads, 1));
    /* What the parent's threads hold cannot be freed here, and valgrind would call it lost: another program ends this
       process in good order. */
    execl("/bin/true", "true", (char *)NULL);
    _exit(1);
}

int main(int argc, char **argv) {
    argument_count = argc, arguments = argv;
    const char *const apps[][2] = {{"good", given("good")}};
    promfetch_client *c = client_of(1, apps);
    promfetch_request *r = promfetch_request_new("org/space/good", &err);
    promfetch_call *call = promfetch_call_start(c, "api", "call", &err);
    for (int i = 0; i < 3; i++) {
        promfetch_exposition *page = promfetch_fetch_request(c, r, &err);
        NO_ERROR(err);
        pid_t pid = fork();
        if (pid == 0) child(c, r, page, call);
        int status;
        CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
        if (!WIFEXITED(status) || WEXITSTATUS(status)) fail(__LINE__, "the child ended with status %d", status);
        promfetch_exposition_free(page);
    }
    promfetch_call_end(call);
    promfetch_request_free(r);
    promfetch_client_free(c);
    return 0;
}
