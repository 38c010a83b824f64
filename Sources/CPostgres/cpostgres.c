#include "CPostgres.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

// Of libpq-fe.h, whose interface has been stable since PostgreSQL 8; declared here so that no header is needed to
// build.

enum { CONNECTION_OK = 0, CONNECTION_BAD = 1 };
enum { PGRES_POLLING_FAILED = 0, PGRES_POLLING_READING = 1, PGRES_POLLING_WRITING = 2, PGRES_POLLING_OK = 3 };
enum { PGRES_EMPTY_QUERY = 0, PGRES_COMMAND_OK = 1, PGRES_TUPLES_OK = 2 };
enum { DIAG_SQLSTATE = 'C', DIAG_PRIMARY = 'M', DIAG_DETAIL = 'D' };
enum { TRANS_IDLE = 0, TRANS_ACTIVE = 1, TRANS_OPEN = 2, TRANS_FAILED = 3 };

typedef struct {
    char *keyword, *envvar, *compiled, *val, *label, *dispchar;
    int dispsize;
} conninfo_option;

typedef struct {
    char *relname;
    int be_pid;
    char *extra;
    void *next;
} notification;

static struct {
    int (*PQlibVersion)(void);
    conninfo_option *(*PQconninfoParse)(const char *, char **);
    void (*PQconninfoFree)(conninfo_option *);
    cpg_conn *(*PQconnectStartParams)(const char *const *, const char *const *, int);
    int (*PQconnectPoll)(cpg_conn *);
    void (*PQfinish)(cpg_conn *);
    int (*PQstatus)(const cpg_conn *);
    char *(*PQerrorMessage)(const cpg_conn *);
    int (*PQserverVersion)(const cpg_conn *);
    int (*PQsocket)(const cpg_conn *);
    int (*PQtransactionStatus)(const cpg_conn *);
    int (*PQsetnonblocking)(cpg_conn *, int);
    int (*PQsendQuery)(cpg_conn *, const char *);
    int (*PQsendQueryParams)(
        cpg_conn *, const char *, int, const unsigned *, const char *const *, const int *, const int *, int);
    int (*PQsendPrepare)(cpg_conn *, const char *, const char *, int, const unsigned *);
    int (*PQsendQueryPrepared)(cpg_conn *, const char *, int, const char *const *, const int *, const int *, int);
    int (*PQflush)(cpg_conn *);
    int (*PQconsumeInput)(cpg_conn *);
    int (*PQisBusy)(cpg_conn *);
    cpg_result *(*PQgetResult)(cpg_conn *);
    void (*PQclear)(cpg_result *);
    int (*PQresultStatus)(const cpg_result *);
    char *(*PQresultErrorField)(const cpg_result *, int);
    int (*PQntuples)(const cpg_result *);
    int (*PQnfields)(const cpg_result *);
    char *(*PQcmdTuples)(cpg_result *);
    int (*PQgetisnull)(const cpg_result *, int, int);
    char *(*PQgetvalue)(const cpg_result *, int, int);
    int (*PQgetlength)(const cpg_result *, int, int);
    notification *(*PQnotifies)(cpg_conn *);
    void (*PQfreemem)(void *);
    void (*(*PQsetNoticeProcessor)(cpg_conn *, void (*)(void *, const char *), void *))(void *, const char *);
} pq;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool is_loaded = false;
static char failure[512] = "";

static void fail(const char *text) {
    strncpy(failure, text ? text : "the library cannot be loaded", sizeof failure - 1);
    failure[sizeof failure - 1] = 0;
}

static void load(void) {
#ifdef __APPLE__
    static const char *const names[] = {"libpq.5.dylib", "/opt/homebrew/opt/libpq/lib/libpq.5.dylib",
                                        "/usr/local/opt/libpq/lib/libpq.5.dylib"};
#else
    static const char *const names[] = {"libpq.so.5"};
#endif
    void *library = NULL;
    for (size_t index = 0; index < sizeof names / sizeof *names && !library; index++)
        library = dlopen(names[index], RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        fail(dlerror());
        return;
    }
    // Data and function pointers have one size wherever dlsym exists.
#define TAKE(name) \
    do { \
        void *symbol = dlsym(library, #name); \
        if (!symbol) { \
            fail("libpq has no function " #name); \
            return; \
        } \
        memcpy(&pq.name, &symbol, sizeof symbol); \
    } while (0)
    TAKE(PQlibVersion);
    TAKE(PQconninfoParse);
    TAKE(PQconninfoFree);
    TAKE(PQconnectStartParams);
    TAKE(PQconnectPoll);
    TAKE(PQfinish);
    TAKE(PQstatus);
    TAKE(PQerrorMessage);
    TAKE(PQserverVersion);
    TAKE(PQsocket);
    TAKE(PQtransactionStatus);
    TAKE(PQsetnonblocking);
    TAKE(PQsendQuery);
    TAKE(PQsendQueryParams);
    TAKE(PQsendPrepare);
    TAKE(PQsendQueryPrepared);
    TAKE(PQflush);
    TAKE(PQconsumeInput);
    TAKE(PQisBusy);
    TAKE(PQgetResult);
    TAKE(PQclear);
    TAKE(PQresultStatus);
    TAKE(PQresultErrorField);
    TAKE(PQntuples);
    TAKE(PQnfields);
    TAKE(PQcmdTuples);
    TAKE(PQgetisnull);
    TAKE(PQgetvalue);
    TAKE(PQgetlength);
    TAKE(PQnotifies);
    TAKE(PQfreemem);
    TAKE(PQsetNoticeProcessor);
#undef TAKE
    is_loaded = true;
}

bool cpg_load(const char **reason) {
    pthread_once(&once, load);
    if (reason) *reason = is_loaded ? "" : failure;
    return is_loaded;
}

int cpg_library_version(void) { return pq.PQlibVersion(); }

char *cpg_conninfo_value(const char *uri, const char *keyword, char **problem) {
    char *error = NULL;
    if (problem) *problem = NULL;
    if (!uri || !keyword) return NULL;
    conninfo_option *options = pq.PQconninfoParse(uri, &error);
    if (!options) {
        if (problem) *problem = strdup(error ? error : "it cannot be read");
        if (error) pq.PQfreemem(error);
        return NULL;
    }
    char *value = NULL;
    for (conninfo_option *option = options; option->keyword; option++)
        if (option->val && strcmp(option->keyword, keyword) == 0) value = strdup(option->val);
    pq.PQconninfoFree(options);
    return value;
}

// Milliseconds of the monotonic clock.
static int64_t now_ms(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

// Waits for the connection's socket until `deadline`: 1 ready, 0 time over, -1 error.
static int wait_socket(const cpg_conn *conn, short events, int64_t deadline) {
    int file = pq.PQsocket(conn);
    if (file < 0) return -1;
    while (true) {
        int64_t left = deadline - now_ms();
        if (left <= 0) return 0;
        struct pollfd entry = {.fd = file, .events = events, .revents = 0};
        int count = poll(&entry, 1, left > INT_MAX ? INT_MAX : (int)left);
        if (count > 0) return 1;
        if (count < 0 && errno != EINTR) return -1;
    }
}

// By itself libpq prints what the server remarks.
static void ignore_notice(void *context, const char *message) {
    (void)context;
    (void)message;
}

enum { MOST_KEYWORDS = 16 };

cpg_conn *cpg_connect(
    const char *uri, const char *const *keywords, const char *const *values, size_t count, int timeout_ms) {
    const char *names[MOST_KEYWORDS + 2];
    const char *texts[MOST_KEYWORDS + 2];
    if (!uri || count > MOST_KEYWORDS) return NULL;
    names[0] = "dbname";
    texts[0] = uri;
    for (size_t index = 0; index < count; index++) {
        names[index + 1] = keywords[index];
        texts[index + 1] = values[index];
    }
    names[count + 1] = NULL;
    texts[count + 1] = NULL;
    cpg_conn *conn = pq.PQconnectStartParams(names, texts, 1);
    if (!conn || pq.PQstatus(conn) == CONNECTION_BAD) return conn;
    pq.PQsetNoticeProcessor(conn, ignore_notice, NULL);
    int64_t deadline = now_ms() + (timeout_ms < 0 ? 0 : timeout_ms);
    short events = POLLOUT;
    while (true) {
        if (wait_socket(conn, events, deadline) <= 0) return conn;
        switch (pq.PQconnectPoll(conn)) {
            case PGRES_POLLING_OK: pq.PQsetnonblocking(conn, 1); return conn;
            case PGRES_POLLING_READING: events = POLLIN; break;
            case PGRES_POLLING_WRITING: events = POLLOUT; break;
            default: return conn;
        }
    }
}

void cpg_close(cpg_conn *conn) {
    if (conn) pq.PQfinish(conn);
}

bool cpg_is_open(const cpg_conn *conn) { return conn && pq.PQstatus(conn) == CONNECTION_OK; }
const char *cpg_error(const cpg_conn *conn) { return conn ? pq.PQerrorMessage(conn) : "out of memory"; }
int cpg_server_version(const cpg_conn *conn) { return conn ? pq.PQserverVersion(conn) : 0; }
int cpg_socket(const cpg_conn *conn) { return conn ? pq.PQsocket(conn) : -1; }

char cpg_transaction_status(const cpg_conn *conn) {
    switch (conn ? pq.PQtransactionStatus(conn) : -1) {
        case TRANS_IDLE: return 'I';
        case TRANS_OPEN: return 'T';
        case TRANS_FAILED: return 'E';
        default: return 'X';
    }
}

enum { MOST_VALUES = 40 };

typedef struct {
    const char *bytes[MOST_VALUES];
    int lengths[MOST_VALUES];
    int formats[MOST_VALUES];
} arguments;

static bool fill(arguments *arguments, const cpg_value *values, int count) {
    if (count < 0 || count > MOST_VALUES || (count > 0 && !values)) return false;
    for (int index = 0; index < count; index++) {
        if (values[index].length < 0) return false;
        arguments->bytes[index] = values[index].bytes;
        arguments->lengths[index] = values[index].length;
        arguments->formats[index] = values[index].binary ? 1 : 0;
    }
    return true;
}

bool cpg_send(cpg_conn *conn, const char *sql, const cpg_value *values, int count) {
    arguments all;
    if (!conn || !sql || !fill(&all, values, count)) return false;
    return pq.PQsendQueryParams(conn, sql, count, NULL, all.bytes, all.lengths, all.formats, 1) == 1;
}

bool cpg_send_prepare(cpg_conn *conn, const char *name, const char *sql) {
    return conn && name && sql && pq.PQsendPrepare(conn, name, sql, 0, NULL) == 1;
}

bool cpg_send_prepared(cpg_conn *conn, const char *name, const cpg_value *values, int count) {
    arguments all;
    if (!conn || !name || !fill(&all, values, count)) return false;
    return pq.PQsendQueryPrepared(conn, name, count, all.bytes, all.lengths, all.formats, 1) == 1;
}

bool cpg_send_script(cpg_conn *conn, const char *sql) { return conn && sql && pq.PQsendQuery(conn, sql) == 1; }

// Sends what is buffered and reads until a result is whole: whether it is.
static bool settle(cpg_conn *conn, int64_t deadline) {
    while (true) {
        int unsent = pq.PQflush(conn);
        if (unsent < 0) return false;
        if (unsent == 0 && !pq.PQisBusy(conn)) return true;
        if (wait_socket(conn, unsent ? POLLIN | POLLOUT : POLLIN, deadline) <= 0) return false;
        if (!pq.PQconsumeInput(conn)) return false;
    }
}

cpg_result *cpg_receive(cpg_conn *conn, int timeout_ms) {
    if (!conn) return NULL;
    int64_t deadline = now_ms() + (timeout_ms < 0 ? 0 : timeout_ms);
    cpg_result *newest = NULL;
    while (true) {
        if (!settle(conn, deadline)) break;
        cpg_result *next = pq.PQgetResult(conn);
        if (!next) {
            if (pq.PQstatus(conn) == CONNECTION_OK) return newest;
            break;
        }
        // The first failure of several statements counts, since those after it are skipped.
        if (newest && !cpg_succeeded(newest)) {
            pq.PQclear(next);
        } else {
            if (newest) pq.PQclear(newest);
            newest = next;
        }
        // A server that ends says why, and that is worth knowing.
        if (pq.PQstatus(conn) != CONNECTION_OK) break;
    }
    if (newest && !cpg_succeeded(newest)) return newest;
    if (newest) pq.PQclear(newest);
    return NULL;
}

void cpg_clear(cpg_result *result) {
    if (result) pq.PQclear(result);
}

bool cpg_succeeded(const cpg_result *result) {
    if (!result) return false;
    int status = pq.PQresultStatus(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;
}

static const char *field(const cpg_result *result, int code) {
    return result ? pq.PQresultErrorField(result, code) : NULL;
}

const char *cpg_state(const cpg_result *result) { return field(result, DIAG_SQLSTATE); }
const char *cpg_message(const cpg_result *result) { return field(result, DIAG_PRIMARY); }
const char *cpg_detail(const cpg_result *result) { return field(result, DIAG_DETAIL); }
int cpg_rows(const cpg_result *result) { return result ? pq.PQntuples(result) : 0; }
int cpg_columns(const cpg_result *result) { return result ? pq.PQnfields(result) : 0; }

int64_t cpg_changed(const cpg_result *result) {
    if (!result) return 0;
    // The text belongs to the result, which is not changed.
    const char *text = pq.PQcmdTuples((cpg_result *)(uintptr_t)result);
    return text && *text ? strtoll(text, NULL, 10) : 0;
}

const void *cpg_field(const cpg_result *result, int row, int column, int *length) {
    *length = 0;
    if (row < 0 || column < 0 || row >= cpg_rows(result) || column >= cpg_columns(result)) return NULL;
    if (pq.PQgetisnull(result, row, column)) return NULL;
    int count = pq.PQgetlength(result, row, column);
    if (count < 0) return NULL;
    *length = count;
    return pq.PQgetvalue(result, row, column);
}

int cpg_wait_for_notice(cpg_conn *conn, int wakeup, int timeout_ms) {
    int file = cpg_socket(conn);
    if (file < 0) return -1;
    struct pollfd entries[2] = {
        {.fd = file, .events = POLLIN, .revents = 0}, {.fd = wakeup, .events = POLLIN, .revents = 0}};
    int count = poll(entries, wakeup >= 0 ? 2 : 1, timeout_ms);
    if (count < 0) return errno == EINTR ? 0 : -1;
    if (count == 0 || !entries[0].revents) return 0;
    if (!pq.PQconsumeInput(conn) || pq.PQstatus(conn) != CONNECTION_OK) return -1;
    return 1;
}

bool cpg_take_notification(cpg_conn *conn) {
    notification *notice = conn ? pq.PQnotifies(conn) : NULL;
    if (!notice) return false;
    pq.PQfreemem(notice);
    return true;
}
