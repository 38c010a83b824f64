#include "prelude.h"

#include <string.h>

static const char aikit[] = {
#embed "lua/aikit.lua"
};
static const char builder[] = {
#embed "lua/builder.lua"
};
static const char code[] = {
#embed "lua/code.lua"
};
static const char compile[] = {
#embed "lua/compile.lua"
};
static const char context[] = {
#embed "lua/context.lua"
};
static const char context_trace[] = {
#embed "lua/context_trace.lua"
};
static const char crypto[] = {
#embed "lua/crypto.lua"
};
static const char csv[] = {
#embed "lua/csv.lua"
};
static const char env[] = {
#embed "lua/env.lua"
};
static const char exec[] = {
#embed "lua/exec.lua"
};
static const char fs[] = {
#embed "lua/fs.lua"
};
static const char text[] = {
#embed "lua/text.lua"
};
static const char time[] = {
#embed "lua/time.lua"
};
static const char docs_modules[] = {
#embed "lua/docs_modules.lua"
};
static const char dates[] = {
#embed "lua/dates.lua"
};
static const char definition[] = {
#embed "lua/definition.lua"
};
static const char docs[] = {
#embed "lua/docs.lua"
};
static const char docs_agents[] = {
#embed "lua/docs_agents.lua"
};
static const char docs_aikit[] = {
#embed "lua/docs_aikit.lua"
};
static const char docs_context[] = {
#embed "lua/docs_context.lua"
};
static const char docs_host[] = {
#embed "lua/docs_host.lua"
};
static const char docs_nodes[] = {
#embed "lua/docs_nodes.lua"
};
static const char docs_schema[] = {
#embed "lua/docs_schema.lua"
};
static const char docs_testing[] = {
#embed "lua/docs_testing.lua"
};
static const char docs_triggers[] = {
#embed "lua/docs_triggers.lua"
};
static const char docs_workflow[] = {
#embed "lua/docs_workflow.lua"
};
static const char document[] = {
#embed "lua/document.lua"
};
static const char errors[] = {
#embed "lua/errors.lua"
};
static const char forms[] = {
#embed "lua/forms.lua"
};
static const char callback[] = {
#embed "lua/callback.lua"
};
static const char hooks[] = {
#embed "lua/hooks.lua"
};

static const char host[] = {
#embed "lua/host.lua"
};
static const char host_module[] = {
#embed "lua/host_module.lua"
};
static const char http[] = {
#embed "lua/http.lua"
};
static const char http_stream[] = {
#embed "lua/http_stream.lua"
};
static const char multipart[] = {
#embed "lua/multipart.lua"
};
static const char nodes[] = {
#embed "lua/nodes.lua"
};
static const char number_text[] = {
#embed "lua/number_text.lua"
};
static const char objects[] = {
#embed "lua/objects.lua"
};
static const char agent[] = {
#embed "lua/agent.lua"
};
static const char agent_tools[] = {
#embed "lua/agent_tools.lua"
};
static const char checked[] = {
#embed "lua/checked.lua"
};
static const char mcp[] = {
#embed "lua/mcp.lua"
};
static const char model[] = {
#embed "lua/model.lua"
};
static const char model_answer[] = {
#embed "lua/model_answer.lua"
};
static const char tool[] = {
#embed "lua/tool.lua"
};
static const char once[] = {
#embed "lua/once.lua"
};
static const char repl[] = {
#embed "lua/repl.lua"
};
static const char requires[] = {
#embed "lua/requires.lua"
};
static const char schema[] = {
#embed "lua/schema.lua"
};
static const char schema_common[] = {
#embed "lua/schema_common.lua"
};
static const char schema_core[] = {
#embed "lua/schema_core.lua"
};
static const char schema_export[] = {
#embed "lua/schema_export.lua"
};
static const char schema_methods[] = {
#embed "lua/schema_methods.lua"
};
static const char schema_object[] = {
#embed "lua/schema_object.lua"
};
static const char secret[] = {
#embed "lua/secret.lua"
};
static const char secret_schemas[] = {
#embed "lua/secret_schemas.lua"
};
static const char slots[] = {
#embed "lua/slots.lua"
};
static const char start[] = {
#embed "lua/start.lua"
};
static const char tags[] = {
#embed "lua/tags.lua"
};
static const char testing[] = {
#embed "lua/testing.lua"
};
static const char testing_compare[] = {
#embed "lua/testing_compare.lua"
};
static const char testing_expect[] = {
#embed "lua/testing_expect.lua"
};
static const char testing_http[] = {
#embed "lua/testing_http.lua"
};
static const char testing_mcp[] = {
#embed "lua/testing_mcp.lua"
};
static const char testing_mocks[] = {
#embed "lua/testing_mocks.lua"
};
static const char testing_model[] = {
#embed "lua/testing_model.lua"
};
static const char testing_replay[] = {
#embed "lua/testing_replay.lua"
};
static const char testing_run[] = {
#embed "lua/testing_run.lua"
};
static const char testing_span[] = {
#embed "lua/testing_span.lua"
};
static const char testing_triggers[] = {
#embed "lua/testing_triggers.lua"
};

static const char testing_text[] = {
#embed "lua/testing_text.lua"
};
static const char types[] = {
#embed "lua/types.lua"
};
static const char validate[] = {
#embed "lua/validate.lua"
};

#define PART(name) { #name, name, sizeof name }

static const prelude_part parts[] = {
    PART(agent), PART(agent_tools), PART(aikit), PART(builder), PART(callback), PART(checked), PART(code),
    PART(compile), PART(context), PART(context_trace), PART(crypto), PART(csv), PART(dates), PART(definition),
    PART(docs), PART(docs_agents), PART(docs_aikit), PART(docs_context), PART(docs_host), PART(docs_modules),
    PART(docs_nodes), PART(docs_schema), PART(docs_testing), PART(docs_triggers), PART(docs_workflow),
    PART(document), PART(env), PART(errors), PART(exec), PART(forms), PART(fs), PART(hooks), PART(host),
    PART(host_module), PART(http), PART(http_stream), PART(mcp), PART(model), PART(model_answer), PART(multipart),
    PART(nodes), PART(number_text), PART(objects), PART(once), PART(repl), PART(requires), PART(schema),
    PART(schema_common), PART(schema_core), PART(schema_export), PART(schema_methods), PART(schema_object),
    PART(secret), PART(secret_schemas), PART(slots), PART(start), PART(tags), PART(testing), PART(testing_compare),
    PART(testing_expect), PART(testing_http), PART(testing_mcp), PART(testing_mocks), PART(testing_model), PART(testing_replay),
    PART(testing_run), PART(testing_span), PART(testing_text), PART(testing_triggers), PART(text), PART(time),
    PART(tool), PART(types), PART(validate),
};

const prelude_part *prelude_find(const char *name, size_t length) {
    for (size_t index = 0; index < sizeof parts / sizeof *parts; index++) {
        if (strlen(parts[index].name) == length && memcmp(parts[index].name, name, length) == 0) return &parts[index];
    }
    return NULL;
}

const prelude_part *prelude_at(size_t index) {
    return index < sizeof parts / sizeof *parts ? &parts[index] : NULL;
}
