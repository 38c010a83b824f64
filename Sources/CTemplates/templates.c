#include "templates.h"

static const char common_README_md[] = {
#embed "templates/common/README.md"
};
static const char common_gitignore[] = {
#embed "templates/common/gitignore"
};
static const char common_luacheckrc[] = {
#embed "templates/common/luacheckrc"
};
static const char minimal_input_json[] = {
#embed "templates/minimal/input.json"
};
static const char minimal_hello_lua[] = {
#embed "templates/minimal/hello.lua"
};
static const char minimal_hello_test_lua[] = {
#embed "templates/minimal/hello_test.lua"
};
static const char http_api_input_json[] = {
#embed "templates/http-api/input.json"
};
static const char http_api_weather_lua[] = {
#embed "templates/http-api/weather.lua"
};
static const char http_api_weather_test_lua[] = {
#embed "templates/http-api/weather_test.lua"
};
static const char human_approval_input_json[] = {
#embed "templates/human-approval/input.json"
};
static const char human_approval_expense_lua[] = {
#embed "templates/human-approval/expense.lua"
};
static const char human_approval_expense_test_lua[] = {
#embed "templates/human-approval/expense_test.lua"
};
static const char batch_input_json[] = {
#embed "templates/batch/input.json"
};
static const char batch_import_lua[] = {
#embed "templates/batch/import.lua"
};
static const char batch_import_test_lua[] = {
#embed "templates/batch/import_test.lua"
};
static const char agent_input_json[] = {
#embed "templates/agent/input.json"
};
static const char agent_triage_lua[] = {
#embed "templates/agent/triage.lua"
};
static const char agent_triage_test_lua[] = {
#embed "templates/agent/triage_test.lua"
};

static const template_file files[] = {
    {"common", "README.md", common_README_md, sizeof common_README_md},
    {"common", "gitignore", common_gitignore, sizeof common_gitignore},
    {"common", "luacheckrc", common_luacheckrc, sizeof common_luacheckrc},
    {"minimal", "input.json", minimal_input_json, sizeof minimal_input_json},
    {"minimal", "hello.lua", minimal_hello_lua, sizeof minimal_hello_lua},
    {"minimal", "hello_test.lua", minimal_hello_test_lua, sizeof minimal_hello_test_lua},
    {"http-api", "input.json", http_api_input_json, sizeof http_api_input_json},
    {"http-api", "weather.lua", http_api_weather_lua, sizeof http_api_weather_lua},
    {"http-api", "weather_test.lua", http_api_weather_test_lua, sizeof http_api_weather_test_lua},
    {"human-approval", "input.json", human_approval_input_json, sizeof human_approval_input_json},
    {"human-approval", "expense.lua", human_approval_expense_lua, sizeof human_approval_expense_lua},
    {"human-approval", "expense_test.lua", human_approval_expense_test_lua, sizeof human_approval_expense_test_lua},
    {"batch", "input.json", batch_input_json, sizeof batch_input_json},
    {"batch", "import.lua", batch_import_lua, sizeof batch_import_lua},
    {"batch", "import_test.lua", batch_import_test_lua, sizeof batch_import_test_lua},
    {"agent", "input.json", agent_input_json, sizeof agent_input_json},
    {"agent", "triage.lua", agent_triage_lua, sizeof agent_triage_lua},
    {"agent", "triage_test.lua", agent_triage_test_lua, sizeof agent_triage_test_lua},
};

const template_file *template_at(size_t index) {
    return index < sizeof files / sizeof *files ? &files[index] : NULL;
}
