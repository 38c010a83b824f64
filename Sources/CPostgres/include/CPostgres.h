#ifndef CPOSTGRES_H
#define CPOSTGRES_H

// The part of libpq that a store of runs needs. The library is loaded at run time, so that a program that opens no
// such store neither needs it nor waits for it. Every function but cpg_load requires that cpg_load has returned true.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A connection and a result, as libpq has them.
typedef struct pg_conn cpg_conn;
typedef struct pg_result cpg_result;

// Loads libpq once for the process. Any thread. On failure `*reason` is a text that stays valid, and later calls fail
// alike.
bool cpg_load(const char **reason);

// The version of the library: 150004 for 15.4.
int cpg_library_version(void);

// The value of a keyword in a connection URI or string, as libpq reads it; malloc'ed, for the caller to free. NULL if
// the URI does not set the keyword. If the URI itself is malformed, `*problem` becomes a malloc'ed text; NULL
// otherwise.
char *cpg_conninfo_value(const char *uri, const char *keyword, char **problem);

// Connects and waits for the outcome, for at most `timeout_ms`. `uri` is expanded; `keywords` and `values`, `count`
// of each, are taken beside it. Never NULL but when memory is gone; the caller asks cpg_is_open and ends with
// cpg_close in any case.
cpg_conn *cpg_connect(
    const char *uri, const char *const *keywords, const char *const *values, size_t count, int timeout_ms);
void cpg_close(cpg_conn *conn);
bool cpg_is_open(const cpg_conn *conn);
// The newest error of a connection, in English or the server's language; valid until the next call with the connection.
const char *cpg_error(const cpg_conn *conn);
// The server's version, 150004 for 15.4; 0 if it is not known.
int cpg_server_version(const cpg_conn *conn);
int cpg_socket(const cpg_conn *conn);
// 'I' outside of a transaction, 'T' inside, 'E' inside one that failed, 'X' otherwise.
char cpg_transaction_status(const cpg_conn *conn);

// One parameter of a statement. `bytes` is NULL for NULL; `binary` tells the format.
typedef struct {
    const void *bytes;
    int length;
    bool binary;
} cpg_value;

// Sends one statement with parameters, results in binary; or prepares one (`name` and `sql`); or runs a prepared one.
// The types of parameters are the server's guess unless the statement casts them. False if it could not be sent.
bool cpg_send(cpg_conn *conn, const char *sql, const cpg_value *values, int count);
bool cpg_send_prepare(cpg_conn *conn, const char *name, const char *sql);
bool cpg_send_prepared(cpg_conn *conn, const char *name, const cpg_value *values, int count);
// Several statements without parameters; only the last one's result counts.
bool cpg_send_script(cpg_conn *conn, const char *sql);

// Waits for the result of what was sent, for at most `timeout_ms`. NULL when time is over or the connection broke;
// the connection is of no use then and has to be closed.
cpg_result *cpg_receive(cpg_conn *conn, int timeout_ms);

void cpg_clear(cpg_result *result);
// Whether the statement succeeded.
bool cpg_succeeded(const cpg_result *result);
// The five characters of the SQLSTATE, or NULL.
const char *cpg_state(const cpg_result *result);
// The primary message, or NULL; without the statement or its parameters.
const char *cpg_message(const cpg_result *result);
const char *cpg_detail(const cpg_result *result);
int cpg_rows(const cpg_result *result);
int cpg_columns(const cpg_result *result);
// How many rows a statement changed; 0 for others.
int64_t cpg_changed(const cpg_result *result);
// The bytes of a field, NULL where it is NULL or out of bounds; `*length` is set either way.
const void *cpg_field(const cpg_result *result, int row, int column, int *length);

// Waits until the server has said something, for at most `timeout_ms` (-1: for ever), and takes it up: 1 if it did, 0
// when time is over, -1 if the connection is broken. `wakeup` is a descriptor that ends the wait as well when it is
// readable; -1 for none.
int cpg_wait_for_notice(cpg_conn *conn, int wakeup, int timeout_ms);
// Takes the next notification; false if there is none.
bool cpg_take_notification(cpg_conn *conn);

#endif
