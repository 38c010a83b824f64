// What somebody who comes from another language may have meant where a name stands for nothing: a remedy that follows the
// error's message.
#include "internal.h"

static const struct {
    const char *name, *remedy;
} habits[] = {
    {"push", "write list[#list + 1] = value"},
    {"append", "write list[#list + 1] = value"},
    {"pop", "write table.remove(list)"},
    {"shift", "write table.remove(list, 1)"},
    {"unshift", "write table.insert(list, 1, value)"},
    {"map", "write a loop: for index, item in ipairs(list) do … end"},
    {"filter", "write a loop: for index, item in ipairs(list) do … end"},
    {"reduce", "write a loop: for index, item in ipairs(list) do … end"},
    {"forEach", "write a loop: for index, item in ipairs(list) do … end"},
    {"includes", "write a loop for lists, text:find(part, 1, true) for texts"},
    {"indexOf", "write a loop for lists, text:find(part, 1, true) for texts"},
    {"join", "write table.concat(list, \", \")"},
    {"slice", "write table.move(list, first, last, 1, {}) for lists, text:sub(first, last) for texts"},
    {"split", "write for part in text:gmatch(\"[^,]+\") do … end"},
    {"trim", "write text:match(\"^%s*(.-)%s*$\")"},
    {"strip", "write text:match(\"^%s*(.-)%s*$\")"},
    {"replace", "write text:gsub(pattern, replacement)"},
    {"startsWith", "write text:sub(1, #start) == start"},
    {"endsWith", "write text:sub(-#tail) == tail"},
    {"toString", "write tostring(value)"},
    {"toUpperCase", "write text:upper()"},
    {"toLowerCase", "write text:lower()"},
    {"toFixed", "write string.format(\"%.2f\", number)"},
    {"length", "write #value"},
    {"catch", "write pcall(function() … end): errors are raised"},
    {"hasOwnProperty", "write value.key ~= nil"},
    {"getenv", "write aikit.env.get(\"NAME\"), and run with --allow-env=NAME"},
    {"execute", "write aikit.exec { \"program\", \"argument\" }, and run with --allow-run=program"},
    {"exit", "scripts do not end the process; return from the handler, or call aikit.fail"},
    {"remove", "write table.remove(list) for lists, aikit.fs.remove(path) for files, with --allow-write"},
    {"rename", "write aikit.fs.read, aikit.fs.write and aikit.fs.remove, with --allow-read and --allow-write"},
    {"tmpname", "write aikit.fs.temp(), and run with --allow-write"},
    {"emit", "a handler takes (input, context), in this order"},
    {"log", "a handler takes (input, context), in this order"},
    {"get_metadata", "a handler takes (input, context), in this order"},
    {"update_metadata", "a handler takes (input, context), in this order"},
    {"update_ctx", "a handler takes (input, context), in this order"},
};

static const struct {
    const char *name, *remedy;
} globals[] = {
    {"io", "write aikit.fs.read(path) or aikit.fs.write(path, text), and run with --allow-read or --allow-write"},
    {"process", "write aikit.env.get(\"NAME\"), and run with --allow-env=NAME"},
    {"console", "write print(…) or context:log(\"info\", …)"},
    {"fetch", "write aikit.http.get(…)"},
    {"setTimeout", "write aikit.sleep(…)"},
    {"JSON", "write aikit.json.encode(…) and aikit.json.decode(…)"},
    {"null", "Lua says nil, JSON's is aikit.null"},
    {"undefined", "Lua says nil"},
    {"None", "Lua says nil"},
    {"True", "Lua says true"},
    {"False", "Lua says false"},
};

const char *hint_for_global(const char *name) {
    for (size_t i = 0; i < sizeof globals / sizeof *globals; i++)
        if (strcmp(globals[i].name, name) == 0) return globals[i].remedy;
    return NULL;
}

static const char *hint_for_name(const char *name, size_t length) {
    for (size_t i = 0; i < sizeof habits / sizeof *habits; i++)
        if (strlen(habits[i].name) == length && memcmp(habits[i].name, name, length) == 0) return habits[i].remedy;
    return NULL;
}

/// More of a message than one of Lua's own has before the name.
#define LONGEST_MESSAGE 1000

const char *hint_for(const char *message, size_t length) {
    if (length > LONGEST_MESSAGE || memchr(message, 0, length)) return NULL;
    if (strstr(message, "attempt to add a 'string'") || strstr(message, "with a 'string'"))
        return strstr(message, "attempt to add a ") ? "Lua joins texts with .." : NULL;
    if (strstr(message, "attempt to call a table value (for iterator"))
        return "write for index, item in ipairs(list) do … end, or for key, value in pairs(fields) do … end";
    const char *call = strstr(message, "attempt to call a nil value (");
    const char *name = call ? strchr(call, '\'') : NULL;
    const char *end = name ? strchr(name + 1, '\'') : NULL;
    return end ? hint_for_name(name + 1, (size_t)(end - name - 1)) : NULL;
}
