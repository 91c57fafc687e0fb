/* A program of the day ABI 1 was frozen. It uses every function, needs no network, and has to work for ever. */
#include <promfetch.h>
#include <stdio.h>
#include <string.h>

#define CHECK(condition) if (!(condition)) return fprintf(stderr, "line %d: not so: %s\n", __LINE__, #condition), 1

static int lines, finalized, released;
static void log_line(void *user, uint32_t level, const char *message, size_t len) { lines += user && level && message[len] == 0; }
static void finalize(void *user) { ++*(int *)user; }
static void release(void *user) { ++*(int *)user; }

static int merging(void) {
    const char page[] = "# TYPE a counter\na 1\n";
    promfetch_error *err = NULL;
    promfetch_labels *labels = promfetch_labels_new();
    promfetch_labels_set(labels, "index", "0", &err);
    promfetch_merge *merge = promfetch_merge_new();
    promfetch_merge_set(merge, "format", "text", &err);
    promfetch_merge_add(merge, labels, NULL, page, sizeof page - 1, &err);
    promfetch_merge_add(merge, NULL, NULL, "{", 1, &err);
    CHECK(promfetch_merge_failure_count(merge) == 1 && promfetch_error_code(promfetch_merge_failure(merge, 0)) == PROMFETCH_PARSE);
    CHECK(!*promfetch_error_target(promfetch_merge_failure(merge, 0)));
    promfetch_exposition *merged = promfetch_merge_finish(merge, &err);
    CHECK(promfetch_error_code(err) == PROMFETCH_OK);
    size_t len;
    CHECK(!strcmp(promfetch_exposition_data(merged, &len), "# TYPE a counter\na{index=\"0\"} 1\n") && len == 32);
    CHECK(!strncmp(promfetch_exposition_content_type(merged), "text/plain", 10));
    CHECK(promfetch_exposition_up_count(merged) == 1 && promfetch_exposition_failure_count(merged) == 1);
    CHECK(promfetch_error_code(promfetch_exposition_failure(merged, 0)) == PROMFETCH_PARSE);
    promfetch_exposition_free(merged);
    promfetch_merge_add_borrowed(merge, NULL, "text/plain; version=0.0.4", page, sizeof page - 1, release, &released, &err);
    promfetch_stream *stream = promfetch_merge_stream(merge, &err);
    CHECK(!strcmp(promfetch_stream_next(stream, &len, &err), page) && promfetch_stream_next(stream, &len, &err) == NULL);
    CHECK(!strncmp(promfetch_stream_content_type(stream), "text/plain", 10));
    CHECK(promfetch_stream_up_count(stream) == 1 && promfetch_stream_failure_count(stream) == 0 && !promfetch_stream_failure(stream, 0));
    promfetch_stream_free(stream);
    promfetch_merge_free(merge);
    promfetch_labels_free(labels);
    CHECK(err == NULL && released == 1);
    return 0;
}

static int clients(void) {
    const char list[] = "[{\"app\":\"a\",\"address\":\"127.0.0.1:1\",\"routes\":[\"shop\"]}]";
    promfetch_error *err = NULL;
    promfetch_options *options = promfetch_options_new();
    promfetch_options_environment(options, &err);
    promfetch_options_set(options, "targets", "[{\"organization\":\"o\",\"space\":\"s\",\"app\":\"a\",\"address\":\"127.0.0.1:1\"}]", &err);
    promfetch_options_log(options, 3, log_line, &finalized, finalize, &err);
    promfetch_client *client = promfetch_client_new(options, &err);
    promfetch_options_free(options);
    promfetch_client_wait_ready(client, 60000, &err);
    CHECK(err == NULL);
    promfetch_request *request = promfetch_request_new("o/s/a", &err);
    promfetch_request_set(request, "timeout", "2s", &err);
    promfetch_request_header(request, "x-a", "b", &err);
    promfetch_targets *targets = promfetch_discover(client, "o/s/a", &err);
    promfetch_targets_free(promfetch_discover_request(client, request, &err));
    size_t len;
    CHECK(promfetch_targets_count(targets) == 1 && promfetch_targets_label_count(targets, 0) > 4);
    CHECK(!strcmp(promfetch_targets_label(targets, 0, "__address__", &len), "127.0.0.1:1") && len == 11);
    CHECK(promfetch_targets_label_name(targets, 0, 0, NULL) && promfetch_targets_label_value(targets, 0, 0, NULL));
    promfetch_targets_free(targets);
    promfetch_text *text = promfetch_instances(client, "o/s/a", &err);
    CHECK(promfetch_text_data(text, &len)[0] == '[' && len > 2);
    promfetch_text_free(text);
    promfetch_text_free(promfetch_instances_request(client, request, &err));
    promfetch_text_free(promfetch_client_snapshot(client, &err));
    promfetch_call_end(promfetch_call_start(client, "api", "call", &err));
    promfetch_exposition_free(promfetch_client_metrics(client, &err));
    CHECK(promfetch_client_set_targets(client, list, sizeof list - 1, &err) == PROMFETCH_OK);
    CHECK(err == NULL);
    CHECK(promfetch_fetch(client, "shop", &err) == NULL && promfetch_error_code(err) == PROMFETCH_REFUSED);
    CHECK(*promfetch_error_message(err) && promfetch_error_is_transient(err) == 1);
    promfetch_error_free(err), err = NULL;
    promfetch_request_cancel(request);
    CHECK(promfetch_fetch_request(client, request, NULL) == NULL && promfetch_stream_open(client, request, NULL) == NULL);
    promfetch_request_free(request);
    promfetch_client_close(client);
    promfetch_client_free(client);
    CHECK(finalized == 1);
    return 0;
}

int main(void) {
    CHECK(promfetch_abi_version() == 1 && PROMFETCH_ABI_VERSION == 1 && *promfetch_version());
    CHECK(!strcmp(promfetch_code_name(PROMFETCH_NOT_FOUND), "NOT_FOUND"));
    return merging() || clients();
}
