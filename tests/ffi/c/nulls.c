/* NULL for each argument of each function: what can fail says which argument it was; getters answer "", 0 or NULL;
   what frees does nothing. No instance is needed. */
#include "check.h"

static promfetch_error *err;

/* Calls that answer a code or a handle. */
#define NO_CODE(call) FAILS(call, PROMFETCH_INVALID_ARGUMENT, "NULL")
#define NO_HANDLE(call) GIVES_NULL(call, PROMFETCH_INVALID_ARGUMENT, "NULL")

static void ignore(void *user, uint32_t level, const char *message, size_t len) {
    (void)user, (void)level, (void)message, (void)len;
}

static void arguments_without_a_client(void) {
    promfetch_options *options = promfetch_options_new();
    NO_CODE(promfetch_options_set(NULL, "max_line", "1KiB", &err));
    NO_CODE(promfetch_options_set(options, NULL, "1KiB", &err));
    NO_CODE(promfetch_options_set(options, "max_line", NULL, &err));
    NO_CODE(promfetch_options_environment(NULL, &err));
    NO_CODE(promfetch_options_log(NULL, 3, ignore, NULL, NULL, &err));
    promfetch_options_free(options);

    promfetch_request *request = promfetch_request_new("shop", &err);
    NO_HANDLE(promfetch_request_new(NULL, &err));
    NO_CODE(promfetch_request_set(NULL, "timeout", "1s", &err));
    NO_CODE(promfetch_request_set(request, NULL, "1s", &err));
    NO_CODE(promfetch_request_set(request, "timeout", NULL, &err));
    NO_CODE(promfetch_request_header(NULL, "a", "b", &err));
    NO_CODE(promfetch_request_header(request, NULL, "b", &err));
    NO_CODE(promfetch_request_header(request, "a", NULL, &err));
    promfetch_request_cancel(NULL);
    promfetch_request_free(request);

    promfetch_labels *labels = promfetch_labels_new();
    NO_CODE(promfetch_labels_set(NULL, "a", "b", &err));
    NO_CODE(promfetch_labels_set(labels, NULL, "b", &err));
    NO_CODE(promfetch_labels_set(labels, "a", NULL, &err));
    promfetch_labels_free(labels);

    promfetch_merge *merge = promfetch_merge_new();
    NO_CODE(promfetch_merge_set(NULL, "format", "text", &err));
    NO_CODE(promfetch_merge_set(merge, NULL, "text", &err));
    NO_CODE(promfetch_merge_set(merge, "format", NULL, &err));
    NO_CODE(promfetch_merge_add(NULL, NULL, NULL, "a 1\n", 4, &err));
    NO_CODE(promfetch_merge_add(merge, NULL, NULL, NULL, 4, &err));
    NO_CODE(promfetch_merge_add_borrowed(NULL, NULL, NULL, "a 1\n", 4, NULL, NULL, &err));
    NO_CODE(promfetch_merge_add_borrowed(merge, NULL, NULL, NULL, 4, NULL, NULL, &err));
    NO_HANDLE(promfetch_merge_finish(NULL, &err));
    NO_HANDLE(promfetch_merge_stream(NULL, &err));
    promfetch_merge_free(merge);

    size_t len = 7;
    CHECK(promfetch_stream_next(NULL, &len, &err) == NULL);
    check_error(__LINE__, &err, PROMFETCH_INVALID_ARGUMENT, "NULL");
    CHECK(len == 0);
}

static void arguments_of_clients(void) {
    promfetch_client *client = client_of(0, NULL);
    promfetch_request *request = promfetch_request_new("shop", &err);
    NO_CODE(promfetch_client_wait_ready(NULL, 0, &err));
    NO_CODE(promfetch_client_set_targets(NULL, "[]", 2, &err));
    NO_CODE(promfetch_client_set_targets(client, NULL, 2, &err));
    NO_HANDLE(promfetch_client_snapshot(NULL, &err));
    NO_HANDLE(promfetch_client_metrics(NULL, &err));
    NO_HANDLE(promfetch_fetch(NULL, "shop", &err));
    NO_HANDLE(promfetch_fetch(client, NULL, &err));
    NO_HANDLE(promfetch_fetch_request(NULL, request, &err));
    NO_HANDLE(promfetch_fetch_request(client, NULL, &err));
    NO_HANDLE(promfetch_discover(NULL, "shop", &err));
    NO_HANDLE(promfetch_discover(client, NULL, &err));
    NO_HANDLE(promfetch_discover_request(NULL, request, &err));
    NO_HANDLE(promfetch_discover_request(client, NULL, &err));
    NO_HANDLE(promfetch_instances(NULL, "shop", &err));
    NO_HANDLE(promfetch_instances(client, NULL, &err));
    NO_HANDLE(promfetch_instances_request(NULL, request, &err));
    NO_HANDLE(promfetch_instances_request(client, NULL, &err));
    NO_HANDLE(promfetch_stream_open(NULL, request, &err));
    NO_HANDLE(promfetch_stream_open(client, NULL, &err));
    NO_HANDLE(promfetch_call_start(NULL, "api", "call", &err));
    NO_HANDLE(promfetch_call_start(client, NULL, "call", &err));
    NO_HANDLE(promfetch_call_start(client, "api", NULL, &err));
    NO_CODE(promfetch_call_increment(NULL, "api", "call", &err));
    NO_CODE(promfetch_call_increment(client, NULL, "call", &err));
    NO_CODE(promfetch_call_increment(client, "api", NULL, &err));
    /* Nobody is interested: the same, without an error to free. */
    CHECK(promfetch_fetch(NULL, NULL, NULL) == NULL);
    CHECK(promfetch_client_wait_ready(NULL, 0, NULL) == PROMFETCH_INVALID_ARGUMENT);
    promfetch_request_free(request);
    promfetch_client_free(client);
}

#define EMPTY(call) (len = 7, CHECK(*(call) == 0), CHECK(len == 0))
static void getters(void) {
    size_t len = 0;
    CHECK(promfetch_error_code(NULL) == PROMFETCH_OK);
    CHECK(*promfetch_error_message(NULL) == 0);
    CHECK(promfetch_error_is_transient(NULL) == 0);
    EMPTY(promfetch_exposition_data(NULL, &len));
    CHECK(*promfetch_exposition_data(NULL, NULL) == 0);
    CHECK(*promfetch_exposition_content_type(NULL) == 0);
    CHECK(promfetch_exposition_up_count(NULL) == 0);
    CHECK(promfetch_exposition_failure_count(NULL) == 0);
    CHECK(promfetch_exposition_failure(NULL, 0) == NULL);
    CHECK(promfetch_targets_count(NULL) == 0);
    CHECK(promfetch_targets_label_count(NULL, 0) == 0);
    len = 7, CHECK(promfetch_targets_label(NULL, 0, "app_name", &len) == NULL && len == 0);
    CHECK(promfetch_targets_label(NULL, 0, NULL, NULL) == NULL);
    CHECK(promfetch_targets_label_name(NULL, 0, 0, NULL) == NULL);
    CHECK(promfetch_targets_label_value(NULL, 0, 0, NULL) == NULL);
    EMPTY(promfetch_text_data(NULL, &len));
    CHECK(*promfetch_text_data(NULL, NULL) == 0);
    CHECK(*promfetch_stream_content_type(NULL) == 0);
    CHECK(promfetch_stream_up_count(NULL) == 0);
    CHECK(promfetch_stream_failure_count(NULL) == 0);
    CHECK(promfetch_stream_failure(NULL, 0) == NULL);
}

static void frees(void) {
    promfetch_error_free(NULL);
    promfetch_options_free(NULL);
    promfetch_client_free(NULL);
    promfetch_request_free(NULL);
    promfetch_exposition_free(NULL);
    promfetch_targets_free(NULL);
    promfetch_text_free(NULL);
    promfetch_labels_free(NULL);
    promfetch_merge_free(NULL);
    promfetch_stream_free(NULL);
    promfetch_call_end(NULL);
}

int main(int argc, char **argv) {
    argument_count = argc, arguments = argv;
    arguments_without_a_client();
    arguments_of_clients();
    getters();
    frees();
    return 0;
}
