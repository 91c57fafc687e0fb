/* What a library has to leave alone: signal handlers, the mask of signals, the environment, the working directory, the
   standard output, and the process itself. Arguments: good=, closing= are addresses of instances. */
#define _GNU_SOURCE
#include "check.h"
#include "process.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

extern char **environ;

struct state {
    struct sigaction actions[NSIG];
    sigset_t mask;
    char *environment[1024];
    char folder[4096];
    mode_t mask_of_files;
    int flags[3];
};

static void look(struct state *state) {
    memset(state, 0, sizeof *state);
    /* Some numbers are the C library's own, and have no action to be asked for. */
    for (int signal = 1; signal < NSIG; signal++) sigaction(signal, NULL, &state->actions[signal]);
    pthread_sigmask(SIG_SETMASK, NULL, &state->mask);
    for (int i = 0; environ[i] && i < 1024; i++) state->environment[i] = environ[i];
    CHECK(getcwd(state->folder, sizeof state->folder) != NULL);
    umask(state->mask_of_files = umask(0));
    for (int fd = 0; fd < 3; fd++) state->flags[fd] = fcntl(fd, F_GETFL);
}

/* The library's threads handle no signal. It matters for SIGPIPE: a TLS connection that the other side has closed raises
   it on the thread that writes, and a C program does not ignore it as a Rust one does. */
static void library_threads_block_signals(void) {
    const int wanted[] = {SIGPIPE, SIGTERM, SIGINT, SIGALRM, SIGCHLD};
    char path[300], line[256];
    int seen = 0;
    DIR *tasks = opendir("/proc/self/task");
    for (struct dirent *task; tasks && (task = readdir(tasks));) {
        if (task->d_name[0] == '.' || atoi(task->d_name) == (int)getpid()) continue;
        snprintf(path, sizeof path, "/proc/self/task/%s/status", task->d_name);
        FILE *status = fopen(path, "r");
        unsigned long long blocked = 0;
        int ours = 0;
        while (status && fgets(line, sizeof line, status)) {
            if (!strcmp(line, "Name:\tpromfetch\n")) ours = 1;
            sscanf(line, "SigBlk: %llx", &blocked);
        }
        if (status) fclose(status);
        if (!ours) continue; /* A sanitizer has threads, too. */
        seen++;
        for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) CHECK(blocked >> (wanted[i] - 1) & 1);
        CHECK(!(blocked >> (SIGSEGV - 1) & 1));
    }
    if (tasks) closedir(tasks);
    CHECK(seen >= 2);
}

int main(int argc, char **argv) {
    argument_count = argc, arguments = argv;
    static struct state before, during, after;
    look(&before);
    const char *const apps[][2] = {{"good", given("good")}, {"closing", given("closing")}};
    promfetch_error *err = NULL;
    promfetch_client *c = client_of(2, apps);
    promfetch_exposition *page = promfetch_fetch(c, "org/space/good", &err);
    NO_ERROR(err);
    /* Written to after the other side has gone: SIGPIPE is still the program's to decide, and must not be raised. */
    for (int i = 0; i < 20; i++) {
        promfetch_request *r = promfetch_request_new("org/space/closing", &err);
        CHECK(promfetch_fetch_request(c, r, &err) == NULL);
        promfetch_error_free(err), err = NULL;
        promfetch_request_free(r);
    }
    look(&during);
    if (!given("watched")) library_threads_block_signals();
    promfetch_exposition_free(page);
    promfetch_client_free(c);
    look(&after);
    const struct state *const later[] = {&during, &after};
    for (int i = 0; i < 2; i++) {
        for (int signal = 1; signal < NSIG; signal++) {
            /* Field by field: the kernel leaves the rest as it finds it. */
            const struct sigaction *was = &before.actions[signal], *is = &later[i]->actions[signal];
            CHECK(was->sa_handler == is->sa_handler && was->sa_flags == is->sa_flags);
            for (int masked = 1; masked < NSIG; masked++) CHECK(sigismember(&was->sa_mask, masked) == sigismember(&is->sa_mask, masked));
        }
        CHECK(!memcmp(&before.mask, &later[i]->mask, sizeof before.mask));
        CHECK(!memcmp(before.environment, later[i]->environment, sizeof before.environment));
        CHECK(!strcmp(before.folder, later[i]->folder));
        CHECK(before.mask_of_files == later[i]->mask_of_files);
        CHECK(!memcmp(before.flags, later[i]->flags, sizeof before.flags));
    }
    return 0;
}
