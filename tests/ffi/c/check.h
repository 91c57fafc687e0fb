/* What the test programs share: checks that name their line, and errors that are looked at and freed. A program ends
   with 1 at the first check that fails; arguments are `name=value`. */
#ifndef CHECK_H
#define CHECK_H

#include <promfetch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int argument_count;
static char **arguments;

/* The value of the argument of this name, or NULL. */
static inline const char *given(const char *name) {
    for (int i = 1; i < argument_count; i++)
        if (!strncmp(arguments[i], name, strlen(name)) && arguments[i][strlen(name)] == '=') return arguments[i] + strlen(name) + 1;
    return NULL;
}

/* The same as a number, for what is smaller under valgrind. */
static inline long given_number(const char *name, long otherwise) {
    const char *value = given(name);
    return value ? strtol(value, NULL, 10) : otherwise;
}

/* The row of a table that is being looked at. */
static const char *row = "";

static inline void fail(int line, const char *format, ...) {
    va_list list;
    va_start(list, format);
    fprintf(stderr, "line %d: %s%s", line, row, *row ? ": " : "");
    vfprintf(stderr, format, list);
    fputc('\n', stderr);
    va_end(list);
    /* Not exit(): threads of the test may still be at work. */
    _Exit(1);
}

#define CHECK(condition) ((condition) ? (void)0 : fail(__LINE__, "not so: %s", #condition))
#define CHECK_CONTAINS(text, part) check_contains(__LINE__, (text), (part))
static inline void check_contains(int line, const char *text, const char *part) {
    if (!text || !strstr(text, part)) fail(line, "no `%s` in `%s`", part, text ? text : "(null)");
}

/* Looks at an error that has to be there, frees it and makes the variable ready to be used again. */
static inline void check_error(int line, promfetch_error **err, uint32_t code, const char *says) {
    const char *message = promfetch_error_message(*err);
    if (promfetch_error_code(*err) != code)
        fail(line, "%s in place of %s: %s", promfetch_code_name(promfetch_error_code(*err)), promfetch_code_name(code), message);
    if (!*message) fail(line, "%s without a message", promfetch_code_name(code));
    if (says && !strstr(message, says)) fail(line, "no `%s` in `%s`", says, message);
    promfetch_error_free(*err);
    *err = NULL;
}

static inline void check_no_error(int line, promfetch_error *err) {
    if (err) fail(line, "%s: %s", promfetch_code_name(promfetch_error_code(err)), promfetch_error_message(err));
}

#define NO_ERROR(err) check_no_error(__LINE__, (err))
/* A call that answers a code, or a handle: how it fails, and a part of what it says. Each uses `&err`. */
#define FAILS(call, code, says) check_fails(__LINE__, (call), &err, (code), (says))
#define GIVES_NULL(call, code, says) (CHECK((call) == NULL), check_error(__LINE__, &err, (code), (says)))
static inline void check_fails(int line, uint32_t answer, promfetch_error **err, uint32_t code, const char *says) {
    if (answer != promfetch_error_code(*err)) fail(line, "the answer is %s, the error %s", promfetch_code_name(answer), promfetch_code_name(promfetch_error_code(*err)));
    check_error(line, err, code, says);
}

/* A client whose targets are these: `app=address` for each argument, in organization `org`, space `space`. */
static inline promfetch_client *client_of(int count, const char *const apps[][2]) {
    promfetch_error *err = NULL;
    promfetch_options *options = promfetch_options_new();
    char json[8192], *end = json;
    end += sprintf(end, "[");
    for (int i = 0; i < count; i++)
        end += sprintf(end, "%s{\"organization\":\"org\",\"space\":\"space\",\"app\":\"%s\",\"address\":\"%s\"}", i ? "," : "", apps[i][0], apps[i][1]);
    sprintf(end, "]");
    promfetch_options_set(options, "targets", json, &err);
    /* Under valgrind, beside other tests, nothing is quick. */
    promfetch_options_set(options, "fetch_connect_timeout", "60s", &err);
    promfetch_client *client = promfetch_client_new(options, &err);
    promfetch_options_free(options);
    promfetch_client_wait_ready(client, 60000, &err);
    NO_ERROR(err);
    return client;
}


#endif
