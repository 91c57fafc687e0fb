/*
 * libpromfetch: the Prometheus metrics of all instances of a Cloud Foundry app as one page.
 *
 * A client (promfetch_client) keeps the routing table of a platform in memory. Fetch asks all instances of an app at once,
 * within one deadline, and merges their answers into one exposition with labels that tell the instances apart. Merge does the
 * same with pages that the program has already, without I/O and without threads.
 *
 * OWNERSHIP
 * Functions that end in _new, _open, _finish or _merge_stream, promfetch_fetch*, promfetch_discover*, promfetch_instances*,
 * promfetch_client_snapshot, promfetch_client_metrics and promfetch_call_start return something you own: free it once, with
 * its own _free function (a call with promfetch_call_end), never with free(). _free(NULL) does nothing. A pointer from a
 * getter is borrowed and lives as long as its handle. Arguments are borrowed for the call and copied if they are kept, but
 * for promfetch_merge_add_borrowed. What a client has returned may outlive the client.
 *
 * STRINGS
 * In: ended by NUL, UTF-8; bodies are a pointer and a length, where NULL with 0 is fine. Out: ended by NUL too, at the length
 * that the function gives beside it. Data and label values may hold NULs themselves: use the length for what you do not trust.
 *
 * ERRORS
 * The last argument of what can fail is promfetch_error **err, which each thread has its own of. NULL: not interested. On failure *err is set to an error that
 * you own, and the function returns NULL or the code of the error. If *err is already set, the call does nothing: calls
 * can be chained, one check at the end is enough, and the first cause is never lost. Set it to NULL before the first call,
 * and again after promfetch_error_free. Codes are grouped by hundreds; treat an unknown one as its hundred. A handle from a
 * failed call is NULL, which every function takes: getters answer an empty string, 0 or NULL.
 * Some instances failed: that is a page, with promfetch_exposition_failure_count above 0. All failed: that is an error.
 * A page that promfetch_merge_add refuses is a failure of the merge, and no error of the call.
 *
 * THREADS
 * const promfetch_client * and const promfetch_request *: many threads at once. Other handles: one thread at a time; getters
 * of handles that nobody changes: many. promfetch_request_cancel and promfetch_client_close: any thread. _free: alone.
 * Calls block; a client has two threads of its own, and a few more while it resolves names. Do not end a thread inside a call.
 * Callbacks (log, finalizer, release) come from any thread. They may free handles and call getters; everything else answers
 * WRONG_THREAD. They must not wait for a lock that is held around a call of the library, throw, or leave by longjmp.
 * After fork() clients, streams and calls of the parent are not usable in the child: FORKED, and freeing them does nothing.
 *
 * MANNERS
 * The library installs no signal handler, no logger and no panic hook, reads no standard input and writes no standard output.
 * Its threads block all signals but those of a crash. A panic in a call becomes the error PANIC; Rust's default hook prints it
 * to the standard error, and then only the _free of the handles of that call may follow. Without memory it aborts, as Rust
 * does. dlclose() leaves the library in memory.
 *
 * VERSIONS
 * The soname is libpromfetch.so.N, where N is the ABI. Within one ABI functions, codes and keys are added; none is changed or dropped.
 */

#ifndef PROMFETCH_H
#define PROMFETCH_H

/* Made from ffi/src by cbindgen; do not edit. UPDATE=1 cargo test -p promfetch-ffi --test header writes it anew. */

#include <stddef.h>
#include <stdint.h>

/**
 * The ABI that this header describes. The library's own is promfetch_abi_version().
 */
#define PROMFETCH_ABI_VERSION 1

/**
 * No error.
 */
#define PROMFETCH_OK 0

/**
 * An argument is NULL, no UTF-8, or malformed: the message names it.
 */
#define PROMFETCH_INVALID_ARGUMENT 1

/**
 * No option or key has this name; the message names the nearest.
 */
#define PROMFETCH_UNKNOWN_OPTION 2

/**
 * The value of an option cannot be used.
 */
#define PROMFETCH_INVALID_OPTION 3

/**
 * Called from a log callback.
 */
#define PROMFETCH_WRONG_THREAD 4

/**
 * The client was made before a fork, in another process.
 */
#define PROMFETCH_FORKED 5

/**
 * No app fits the selector, or no instance the index.
 */
#define PROMFETCH_NOT_FOUND 100

/**
 * The routing table is not complete yet; worth trying again.
 */
#define PROMFETCH_NOT_READY 101

/**
 * Several instances have the index that was asked for.
 */
#define PROMFETCH_AMBIGUOUS 102

/**
 * A server of the platform cannot be reached; worth trying again.
 */
#define PROMFETCH_UNAVAILABLE 103

/**
 * No complete answer in time.
 */
#define PROMFETCH_TIMEOUT 200

/**
 * The request was cancelled, or its client freed.
 */
#define PROMFETCH_CANCELLED 201

/**
 * The connection was refused, or closed before any answer.
 */
#define PROMFETCH_REFUSED 202

/**
 * No TLS connection: untrusted, or the client certificate was refused.
 */
#define PROMFETCH_TLS 203

/**
 * The certificate is another instance's: the address has changed hands.
 */
#define PROMFETCH_GONE 204

/**
 * The instance answered 4xx.
 */
#define PROMFETCH_STATUS_4XX 205

/**
 * The instance answered 5xx.
 */
#define PROMFETCH_STATUS_5XX 206

/**
 * A body, a line or a number of samples is over its limit.
 */
#define PROMFETCH_TOO_LARGE 207

/**
 * Too many redirects, or one that leads elsewhere.
 */
#define PROMFETCH_REDIRECT 208

/**
 * What came is not HTTP, or a body that cannot be read.
 */
#define PROMFETCH_PROTOCOL 209

/**
 * Not tried: the instance refused a moment ago, or no time was left.
 */
#define PROMFETCH_SKIPPED 210

/**
 * The bytes of all pages under way are over max_inflight; worth trying again.
 */
#define PROMFETCH_OVERLOADED 211

/**
 * A page does not follow its format.
 */
#define PROMFETCH_PARSE 300

/**
 * A fault of the library. Only _free may follow on the handles of the call.
 */
#define PROMFETCH_PANIC 900

/**
 * A call of the program under way.
 */
typedef struct promfetch_call promfetch_call;

/**
 * A client. Many threads may use it at once.
 */
typedef struct promfetch_client promfetch_client;

/**
 * An error: a code for programs and a sentence for people.
 */
typedef struct promfetch_error promfetch_error;

/**
 * A merged page. It does not change.
 */
typedef struct promfetch_exposition promfetch_exposition;

/**
 * Labels in the order in which they are written.
 */
typedef struct promfetch_labels promfetch_labels;

/**
 * Pages to merge.
 */
typedef struct promfetch_merge promfetch_merge;

/**
 * The set-up of a client.
 */
typedef struct promfetch_options promfetch_options;

/**
 * What to ask for. It can be used again.
 */
typedef struct promfetch_request promfetch_request;

/**
 * A page under way. It holds the instances' pages until it is freed, and they count against max_inflight.
 */
typedef struct promfetch_stream promfetch_stream;

/**
 * Instances with their labels.
 */
typedef struct promfetch_targets promfetch_targets;

/**
 * A JSON text.
 */
typedef struct promfetch_text promfetch_text;

/**
 * Takes a line of the log. It is called from the library's threads and from threads that call the library, several
 * at once. It may free handles, and must not call anything else of the library (WRONG_THREAD), wait for a lock that is
 * held around a call of the library, throw, or leave by longjmp.
 *
 * user: as given to promfetch_options_log. level: 1 error, 2 warning, 3 info, 4 debug, 5 trace.
 * message: one line of UTF-8 without a line feed, ended by NUL, borrowed for the call. len: its bytes.
 */
typedef void (*promfetch_log_fn)(void *user, uint32_t level, const char *message, size_t len);

/**
 * Tells that nothing will use user any more: called once, from any thread. The rules of callbacks hold for it, too.
 */
typedef void (*promfetch_finalizer_fn)(void *user);

/**
 * Tells that borrowed bytes are not needed any more. It may be called from any thread that frees or adds.
 *
 * user: as given to promfetch_merge_add_borrowed.
 */
typedef void (*promfetch_release_fn)(void *user);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The version of the library, such as "0.1.0".
 *
 * Returns: a static string. Thread: any.
 */
const char *promfetch_version(void);

/**
 * The ABI of the library, which is the number in its soname: compare it with PROMFETCH_ABI_VERSION after dlopen.
 *
 * Returns: the number. Thread: any.
 */
uint32_t promfetch_abi_version(void);

/**
 * The name of a code, such as "NOT_FOUND": the constant without its prefix.
 *
 * Returns: a static string; "UNKNOWN" for a number that is no code of this library. Thread: any.
 */
const char *promfetch_code_name(uint32_t code);

/**
 * The code of an error.
 *
 * error: may be NULL, which gives PROMFETCH_OK.
 * Returns: one of the codes above. Thread: concurrently.
 */
uint32_t promfetch_error_code(const promfetch_error *error);

/**
 * What went wrong, as a sentence for people, without secrets. It may have several lines, one for each problem.
 *
 * error: may be NULL, which gives "".
 * Returns: borrowed from error, UTF-8, ended by NUL. Thread: concurrently.
 */
const char *promfetch_error_message(const promfetch_error *error);

/**
 * Which target the error is about, of the failures of an exposition or a stream: the host:port or the socket of an instance, or the
 * name of an external exporter.
 *
 * error: may be NULL. Returns: borrowed from error, ended by NUL; "" when it is about no single target.
 * Thread: concurrently.
 */
const char *promfetch_error_target(const promfetch_error *error);

/**
 * Whether the same call may succeed a little later.
 *
 * error: may be NULL, which gives 0.
 * Returns: 1 if so, else 0. Thread: concurrently.
 */
uint32_t promfetch_error_is_transient(const promfetch_error *error);

/**
 * Frees an error. Set the variable to NULL afterwards, or the next call sees it.
 *
 * error: may be NULL. Thread: alone.
 */
void promfetch_error_free(promfetch_error *error);

/**
 * New options: every key has its default.
 *
 * Returns: options that you own. Thread: any.
 */
promfetch_options *promfetch_options_new(void);

/**
 * Sets a key of docs/configuration.md that has to do with finding, asking or merging, such as fetch_timeout to 10s.
 *
 * options: not NULL.
 * key: dotted, such as nats.user or gorouters[0].host.
 * value: as in the configuration file; a list or a section may be given as a whole, as JSON; an empty text takes the
 * value away. Whether a value can be used is seen when the client is made.
 * Returns: a code. Errors: UNKNOWN_OPTION (the message names the nearest key), INVALID_OPTION, INVALID_ARGUMENT.
 * Thread: one at a time.
 */
uint32_t promfetch_options_set(promfetch_options *options, const char *key, const char *value, promfetch_error **err);

/**
 * Adds what the environment says: PROMFETCH_ and a key in upper case with two underscores for each dot, such as
 * PROMFETCH_GOROUTERS__0__HOST. Other names are left alone, also those that only the service knows.
 *
 * options: not NULL. Returns: a code. Errors: INVALID_OPTION, INVALID_ARGUMENT.
 * Thread: one at a time, and no thread may change the environment meanwhile.
 */
uint32_t promfetch_options_environment(promfetch_options *options, promfetch_error **err);

/**
 * Sends the log of all clients that are made with these options to a callback. Without one nothing is logged.
 *
 * options: not NULL.
 * level: the least important that is told: 1 error, 2 warning, 3 info, 4 debug, 5 trace.
 * log: not NULL. user: given to log and finalizer as it is; may be NULL.
 * finalizer: called once, as soon as nothing can call log any more: when the options and all clients made with them
 * are freed, when another callback takes this one's place, or when this call fails. May be NULL.
 * Returns: a code. Errors: INVALID_ARGUMENT. Thread: one at a time.
 */
uint32_t promfetch_options_log(promfetch_options *options,
                               uint32_t level,
                               promfetch_log_fn log,
                               void *user,
                               promfetch_finalizer_fn finalizer,
                               promfetch_error **err);

/**
 * Frees options. Clients that were made with them stay.
 *
 * options: may be NULL. Thread: alone.
 */
void promfetch_options_free(promfetch_options *options);

/**
 * Makes a client and starts its sources: NATS, gorouters, fixed targets, in any mix. Servers that cannot be reached
 * are no error: the client goes on trying.
 *
 * options: copied; NULL: as the environment says (see promfetch_options_environment).
 * Returns: a client that you own, or NULL. Errors: INVALID_OPTION, with all problems, one a line; UNAVAILABLE when
 * no thread can be started. Thread: any.
 */
promfetch_client *promfetch_client_new(const promfetch_options *options, promfetch_error **err);

/**
 * Waits until all sources have been heard completely: until then apps may be missing. Fixed targets are there at once.
 *
 * client: not NULL. timeout_ms: milliseconds; 0: only looks.
 * Returns: a code. Errors: NOT_READY after that time, with the state of each source; CANCELLED, FORKED,
 * INVALID_ARGUMENT. Thread: concurrently.
 */
uint32_t promfetch_client_wait_ready(const promfetch_client *client, uint64_t timeout_ms, promfetch_error **err);

/**
 * Replaces all fixed targets while running, those of the options too: the list is taken whole or not at all. Targets that
 * are in both lists keep their connections. A page that is asked for in that moment may have targets of both.
 *
 * client: not NULL.
 * json, len: a list of objects with the keys of targets[] of docs/configuration.md: address and app or app_id, and
 * perhaps organization, space, index, routes, process_type, tls, server_name, http2, cert_chain,
 * private_key, path, headers, labels, timeout, preset. An address may be that of a Unix socket. At most 100,000 targets in 64 MiB.
 * Returns: a code. Errors: INVALID_OPTION, which names the targets that are wrong; FORKED, INVALID_ARGUMENT.
 * Thread: concurrently; one list after the other.
 */
uint32_t promfetch_client_set_targets(const promfetch_client *client,
                                      const char *json,
                                      size_t len,
                                      promfetch_error **err);

/**
 * What the client knows, as JSON: ready, sources with their states, and routes, which is the routing table by
 * route, as promfetch's own /routes has it. Of a large platform this is large.
 *
 * client: not NULL.
 * Returns: a text that you own, or NULL. Errors: FORKED, INVALID_ARGUMENT. Thread: concurrently.
 */
promfetch_text *promfetch_client_snapshot(const promfetch_client *client, promfetch_error **err);

/**
 * The client's own metrics: its calls and those of promfetch_call_start, its table, connections and pages.
 *
 * client: not NULL.
 * Returns: an exposition that you own, in text 0.0.4, or NULL. Errors: FORKED, INVALID_ARGUMENT.
 * Thread: concurrently.
 */
promfetch_exposition *promfetch_client_metrics(const promfetch_client *client, promfetch_error **err);

/**
 * Ends the calls under way in other threads, and all later ones, with CANCELLED. So a program that has threads in calls
 * ends: it closes the client, waits for its threads, and frees the client.
 *
 * client: may be NULL. Thread: any, but not during or after its _free.
 */
void promfetch_client_close(const promfetch_client *client);

/**
 * Frees a client; what it has returned stays. Waits until its threads have ended, two seconds at most. From a log
 * callback it does not wait.
 *
 * client: may be NULL; of a client made before a fork nothing is freed. Thread: alone; see promfetch_client_close.
 */
void promfetch_client_free(promfetch_client *client);

/**
 * Asks all instances of an app and merges their pages. Waits until all have answered or the time is up.
 *
 * client: not NULL. selector: as for promfetch_request_new.
 * Returns: an exposition that you own, or NULL. Some instances may have failed.
 * Errors: NOT_FOUND, NOT_READY, CANCELLED, OVERLOADED, FORKED, INVALID_ARGUMENT; the commonest reason when all
 * instances failed. Thread: concurrently.
 */
promfetch_exposition *promfetch_fetch(const promfetch_client *client,
                                      const char *selector,
                                      promfetch_error **err);

/**
 * Asks the instances as a request says, and merges their pages.
 *
 * client, request: not NULL.
 * Returns: an exposition that you own, or NULL. Some instances may have failed.
 * Errors: as promfetch_fetch, and AMBIGUOUS. Thread: concurrently.
 */
promfetch_exposition *promfetch_fetch_request(const promfetch_client *client,
                                              const promfetch_request *request,
                                              promfetch_error **err);

/**
 * A new request for the instances of an app.
 *
 * selector: org/space/app (each part percent-encoded, as in a URL), the app's GUID, or one of its routes: its host, or
 * //host/path.
 * Returns: a request that you own, or NULL. Errors: INVALID_ARGUMENT. Thread: any.
 */
promfetch_request *promfetch_request_new(const char *selector,
                                         promfetch_error **err);

/**
 * Says more about what is wanted. The keys:
 *
 * - metric_path: another path than the target's own or /metrics.
 * - format: text (the default), openmetrics or protobuf. accept: what an Accept header says; it counts more.
 * - timeout: for the whole page, such as 2s. scrape_timeout: the value of X-Prometheus-Scrape-Timeout-Seconds, from
 *   which time for the way back is taken off; nonsense counts as absent. The smallest counts of both and the option fetch_timeout.
 * - process_type: another process than web. instance: only that one, by index or GUID.
 * - only_app_metrics: true: without external exporters and without health series (promfetch_up and others).
 * - authorization: a header for the app's instances. forwarded_for: X-Forwarded-For for them.
 * - all_failed: error (the default): when no instance gave metrics, the call fails; page: it gives the health series.
 *
 * request: not NULL. key, value: not NULL; an empty value takes away what was set. Returns: a code. Errors: UNKNOWN_OPTION, INVALID_ARGUMENT.
 * Thread: one at a time.
 */
uint32_t promfetch_request_set(promfetch_request *request,
                               const char *key,
                               const char *value,
                               promfetch_error **err);

/**
 * Adds a header for the app's instances, such as X-Tenant. It is not sent to external exporters and not along a
 * redirect. What a target has of its own wins. At most 32.
 *
 * request: not NULL. name, value: not NULL; not one that promfetch sets itself, nor Host and those of the connection.
 * Returns: a code. Errors: INVALID_ARGUMENT. Thread: one at a time.
 */
uint32_t promfetch_request_header(promfetch_request *request,
                                  const char *name,
                                  const char *value,
                                  promfetch_error **err);

/**
 * Cancels the calls under way with this request, and all later ones: they end with CANCELLED.
 *
 * request: may be NULL. Thread: any, also while another thread waits in a call with it, but not during _set and
 * _header, nor after its _free.
 */
void promfetch_request_cancel(const promfetch_request *request);

/**
 * Frees a request.
 *
 * request: may be NULL. Thread: alone: no call with it may be under way.
 */
void promfetch_request_free(promfetch_request *request);

/**
 * The bytes of the page.
 *
 * exposition: may be NULL, which gives "". len: gets the number of bytes; may be NULL.
 * Returns: borrowed from exposition, ended by NUL. Thread: concurrently.
 */
const char *promfetch_exposition_data(const promfetch_exposition *exposition, size_t *len);

/**
 * The Content-Type of the page, for those who pass it on.
 *
 * exposition: may be NULL, which gives "".
 * Returns: borrowed from exposition, ended by NUL. Thread: concurrently.
 */
const char *promfetch_exposition_content_type(const promfetch_exposition *exposition);

/**
 * How many instances are in the page; of promfetch_merge_finish, how many pages.
 *
 * exposition: may be NULL, which gives 0. Returns: the number. Thread: concurrently.
 */
size_t promfetch_exposition_up_count(const promfetch_exposition *exposition);

/**
 * How many instances and external exporters are not in the page because they failed.
 *
 * exposition: may be NULL, which gives 0. Returns: the number. Thread: concurrently.
 */
size_t promfetch_exposition_failure_count(const promfetch_exposition *exposition);

/**
 * Why one of them failed; the message names it.
 *
 * exposition: may be NULL. index: from 0, below the count.
 * Returns: borrowed from exposition: do not free it; NULL when there is none. Thread: concurrently.
 */
const promfetch_error *promfetch_exposition_failure(const promfetch_exposition *exposition, size_t index);

/**
 * Frees an exposition.
 *
 * exposition: may be NULL. Thread: alone.
 */
void promfetch_exposition_free(promfetch_exposition *exposition);

/**
 * Asks the instances as a request says, for a page that is read family by family. Waits until all have answered or
 * the time is up; after that the stream waits for nothing.
 *
 * client, request: not NULL; neither is needed for the stream afterwards.
 * Returns: a stream that you own, or NULL. Errors: as promfetch_fetch_request. Thread: concurrently.
 */
promfetch_stream *promfetch_stream_open(const promfetch_client *client,
                                        const promfetch_request *request,
                                        promfetch_error **err);

/**
 * The next family: its HELP and TYPE and all its samples. The last piece of an OpenMetrics page is its # EOF. All
 * pieces one after the other are the page.
 *
 * stream: not NULL. len: gets the number of bytes, 0 at the end; may be NULL.
 * Returns: borrowed until the next call with the stream, ended by NUL; NULL at the end, where *err is not set, or on failure.
 * Errors: FORKED, INVALID_ARGUMENT. Thread: one at a time.
 */
const char *promfetch_stream_next(promfetch_stream *stream,
                                  size_t *len,
                                  promfetch_error **err);

/**
 * The Content-Type of the page.
 *
 * stream: may be NULL, which gives "". Returns: borrowed from stream, ended by NUL. Thread: concurrently, but not with promfetch_stream_next.
 */
const char *promfetch_stream_content_type(const promfetch_stream *stream);

/**
 * How many instances are in the page.
 *
 * stream: may be NULL, which gives 0. Returns: the number. Thread: concurrently, but not with promfetch_stream_next.
 */
size_t promfetch_stream_up_count(const promfetch_stream *stream);

/**
 * How many instances and external exporters failed.
 *
 * stream: may be NULL, which gives 0. Returns: the number. Thread: concurrently, but not with promfetch_stream_next.
 */
size_t promfetch_stream_failure_count(const promfetch_stream *stream);

/**
 * Why one of them failed; the message names it.
 *
 * stream: may be NULL. index: from 0, below the count.
 * Returns: borrowed from stream: do not free it; NULL when there is none. Thread: concurrently, but not with
 * promfetch_stream_next.
 */
const promfetch_error *promfetch_stream_failure(const promfetch_stream *stream, size_t index);

/**
 * Frees a stream, also before its end.
 *
 * stream: may be NULL; of one made before a fork nothing is freed. Thread: alone.
 */
void promfetch_stream_free(promfetch_stream *stream);

/**
 * The instances of an app, by index, without asking them.
 *
 * client: not NULL. selector: as for promfetch_request_new.
 * Returns: targets that you own, or NULL. Errors: NOT_FOUND, NOT_READY, FORKED, INVALID_ARGUMENT.
 * Thread: concurrently.
 */
promfetch_targets *promfetch_discover(const promfetch_client *client, const char *selector, promfetch_error **err);

/**
 * The instances that a request would ask.
 *
 * client, request: not NULL. Of the request count process_type, instance and metric_path.
 * Returns: targets that you own, or NULL. Errors: as promfetch_discover, AMBIGUOUS and CANCELLED. Thread: concurrently.
 */
promfetch_targets *promfetch_discover_request(const promfetch_client *client,
                                              const promfetch_request *request,
                                              promfetch_error **err);

/**
 * How many targets there are.
 *
 * targets: may be NULL, which gives 0. Returns: the number. Thread: concurrently.
 */
size_t promfetch_targets_count(const promfetch_targets *targets);

/**
 * The value of a target's label: one of those that its samples get, or __address__, __scheme__, __metrics_path__,
 * __meta_promfetch_host (the Host it is asked under), __meta_promfetch_instance_guid, __meta_promfetch_process_type.
 *
 * targets: may be NULL. index: of the target, from 0. name: of the label; not NULL.
 * len: gets the number of bytes; may be NULL.
 * Returns: borrowed from targets, ended by NUL; NULL when there is no such label. Thread: concurrently.
 */
const char *promfetch_targets_label(const promfetch_targets *targets,
                                    size_t index,
                                    const char *name,
                                    size_t *len);

/**
 * How many labels a target has.
 *
 * targets: may be NULL, which gives 0. index: of the target, from 0. Returns: the number. Thread: concurrently.
 */
size_t promfetch_targets_label_count(const promfetch_targets *targets, size_t index);

/**
 * The name of a target's label.
 *
 * targets: may be NULL. index: of the target, from 0. label: of the label, from 0. len: gets the number of bytes; may be NULL.
 * Returns: borrowed from targets, ended by NUL; NULL when there is none. Thread: concurrently.
 */
const char *promfetch_targets_label_name(const promfetch_targets *targets,
                                         size_t index,
                                         size_t label,
                                         size_t *len);

/**
 * The value of a target's label, by its place.
 *
 * targets: may be NULL. index: of the target, from 0. label: of the label, from 0. len: gets the number of bytes; may be NULL.
 * Returns: borrowed from targets, ended by NUL; NULL when there is none. Thread: concurrently.
 */
const char *promfetch_targets_label_value(const promfetch_targets *targets,
                                          size_t index,
                                          size_t label,
                                          size_t *len);

/**
 * Frees targets.
 *
 * targets: may be NULL. Thread: alone.
 */
void promfetch_targets_free(promfetch_targets *targets);

/**
 * What is known of the instances of an app without asking them, as JSON: a list with address, path, status, and how
 * each answered last.
 *
 * client: not NULL. selector: as for promfetch_request_new.
 * Returns: a text that you own, or NULL. Errors: as promfetch_discover. Thread: concurrently.
 */
promfetch_text *promfetch_instances(const promfetch_client *client, const char *selector, promfetch_error **err);

/**
 * The same of the instances that a request would ask.
 *
 * client, request: not NULL. Of the request count process_type, instance and metric_path.
 * Returns: a text that you own, or NULL. Errors: as promfetch_discover_request. Thread: concurrently.
 */
promfetch_text *promfetch_instances_request(const promfetch_client *client,
                                            const promfetch_request *request,
                                            promfetch_error **err);

/**
 * The bytes of a text: JSON in UTF-8.
 *
 * text: may be NULL, which gives "". len: gets the number of bytes; may be NULL.
 * Returns: borrowed from text, ended by NUL. Thread: concurrently.
 */
const char *promfetch_text_data(const promfetch_text *text, size_t *len);

/**
 * Frees a text.
 *
 * text: may be NULL. Thread: alone.
 */
void promfetch_text_free(promfetch_text *text);

/**
 * New labels: none.
 *
 * Returns: labels that you own. Thread: any.
 */
promfetch_labels *promfetch_labels_new(void);

/**
 * Adds a label at the end; one of the same name gets the new value in its old place.
 *
 * labels: not NULL. name: letters, digits and _, no digit in front, no __ in front, not le or quantile.
 * value: any text; it is escaped when it is written.
 * Returns: a code. Errors: INVALID_ARGUMENT. Thread: one at a time.
 */
uint32_t promfetch_labels_set(promfetch_labels *labels, const char *name, const char *value, promfetch_error **err);

/**
 * Frees labels. Pages that were added with them keep theirs.
 *
 * labels: may be NULL. Thread: alone.
 */
void promfetch_labels_free(promfetch_labels *labels);

/**
 * A new merge, of no page yet. It has no threads and does no I/O.
 *
 * Returns: a merge that you own. Thread: any.
 */
promfetch_merge *promfetch_merge_new(void);

/**
 * Says how to merge, before the first page is added. The keys:
 *
 * - format: text (the default), openmetrics or protobuf. accept: what an Accept header says; it counts more.
 * - label_conflict: a sample's own label with the name of an added one: export (the default) renames it to
 *   exported_<name>, drop leaves it out.
 * - max_samples, max_line: samples of one page and bytes of one line; 2,000,000 and 1 MiB by default.
 *
 * merge, key, value: not NULL. Returns: a code. Errors: UNKNOWN_OPTION, INVALID_ARGUMENT. Thread: one at a time.
 */
uint32_t promfetch_merge_set(promfetch_merge *merge,
                             const char *key,
                             const char *value,
                             promfetch_error **err);

/**
 * Checks a page wholly and adds it. One that is no valid exposition costs only itself: the call returns PARSE or
 * TOO_LARGE, *err is not set, and why is among the failures of the merge and of its result.
 *
 * merge: not NULL. labels: added to all samples of the page, after their own; copied; NULL: none.
 * content_type: what the page came with, whatever it is; NULL: the format shows in the bytes.
 * data, len: the page, which is copied.
 * Returns: a code; PARSE and TOO_LARGE are of the page alone. Errors: INVALID_ARGUMENT. Thread: one at a time.
 */
uint32_t promfetch_merge_add(promfetch_merge *merge,
                             const promfetch_labels *labels,
                             const char *content_type,
                             const char *data,
                             size_t len,
                             promfetch_error **err);

/**
 * Checks a page and adds it, without copying it.
 *
 * merge, labels, content_type: as for promfetch_merge_add.
 * data, len: the page, which must stay as it is until release is called.
 * release: called once when the page is not needed any more, also when the call fails; NULL: the page must stay until
 * a promfetch_merge_finish that succeeded, promfetch_merge_free, or the _free of the stream.
 * user: given to release as it is; may be NULL.
 * Returns: a code, as promfetch_merge_add. Errors: INVALID_ARGUMENT. Thread: one at a time.
 */
uint32_t promfetch_merge_add_borrowed(promfetch_merge *merge,
                                      const promfetch_labels *labels,
                                      const char *content_type,
                                      const char *data,
                                      size_t len,
                                      promfetch_release_fn release,
                                      void *user,
                                      promfetch_error **err);

/**
 * How many pages were refused since the merge was made or last finished.
 *
 * merge: may be NULL, which gives 0. Returns: the number. Thread: one at a time.
 */
size_t promfetch_merge_failure_count(const promfetch_merge *merge);

/**
 * Why one of them was refused; the message says where in the page.
 *
 * merge: may be NULL. index: from 0, below the count; the last is the latest.
 * Returns: borrowed from merge until the next call with it: do not free it; NULL when there is none. Thread: one at a time.
 */
const promfetch_error *promfetch_merge_failure(const promfetch_merge *merge,
                                               size_t index);

/**
 * Merges what was added, family by family. The merge is empty afterwards, keeps its settings and can be used again.
 *
 * merge: not NULL.
 * Returns: an exposition that you own, or NULL. Its failures are the pages that were refused. Errors: INVALID_ARGUMENT.
 * Thread: one at a time.
 */
promfetch_exposition *promfetch_merge_finish(promfetch_merge *merge,
                                             promfetch_error **err);

/**
 * The same, for a page that is read family by family.
 *
 * merge: not NULL; it is not needed for the stream afterwards.
 * Returns: a stream that you own, or NULL. Errors: INVALID_ARGUMENT. Thread: one at a time.
 */
promfetch_stream *promfetch_merge_stream(promfetch_merge *merge, promfetch_error **err);

/**
 * Frees a merge with the pages in it.
 *
 * merge: may be NULL. Thread: alone.
 */
void promfetch_merge_free(promfetch_merge *merge);

/**
 * Starts a call of the program's own, to be seen in promfetch_client_metrics: promfetch_calls_started_total{api,call},
 * promfetch_calls_in_flight, promfetch_call_duration_seconds and promfetch_call_last_duration_seconds; with the option
 * call_metrics = ecs under the names of the ECS agent. A call that is not ended within 2 minutes is lost: it is no
 * longer in flight, and gets no duration.
 *
 * client: not NULL. api, call: the kind of API and the name of the call, 1 to 128 bytes; at most 1,000 pairs.
 * Returns: a call, which promfetch_call_end ends and frees, or NULL. Errors: INVALID_ARGUMENT, FORKED.
 * Thread: concurrently.
 */
promfetch_call *promfetch_call_start(const promfetch_client *client,
                                     const char *api,
                                     const char *call,
                                     promfetch_error **err);

/**
 * Counts a call of the program's own that has no duration: one more of promfetch_calls_started_total{api,call}, and
 * nothing else.
 *
 * client: not NULL. api, call: as for promfetch_call_start.
 * Returns: a code. Errors: INVALID_ARGUMENT, FORKED. Thread: concurrently.
 */
uint32_t promfetch_call_increment(const promfetch_client *client,
                                  const char *api,
                                  const char *call,
                                  promfetch_error **err);

/**
 * Ends a call and frees it. The client may be freed before.
 *
 * call: may be NULL; one started before a fork is left alone. Thread: alone; another one than it was started in is fine.
 */
void promfetch_call_end(promfetch_call *call);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* PROMFETCH_H */
