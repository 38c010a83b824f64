#include "dashboard.h"

static const unsigned char index_html[] = {
#embed "web/index.html"
};
static const unsigned char app_css[] = {
#embed "web/app.css"
};
static const unsigned char icon_svg[] = {
#embed "web/icon.svg"
};
static const unsigned char api_js[] = {
#embed "web/api.js"
};
static const unsigned char conversation_js[] = {
#embed "web/conversation.js"
};
static const unsigned char dom_js[] = {
#embed "web/dom.js"
};
static const unsigned char drafts_js[] = {
#embed "web/drafts.js"
};
static const unsigned char form_check_js[] = {
#embed "web/form-check.js"
};
static const unsigned char form_fields_js[] = {
#embed "web/form-fields.js"
};
static const unsigned char form_schema_js[] = {
#embed "web/form-schema.js"
};
static const unsigned char form_text_js[] = {
#embed "web/form-text.js"
};
static const unsigned char form_js[] = {
#embed "web/form.js"
};
static const unsigned char format_js[] = {
#embed "web/format.js"
};
static const unsigned char graph_js[] = {
#embed "web/graph.js"
};
static const unsigned char json_js[] = {
#embed "web/json.js"
};
static const unsigned char main_js[] = {
#embed "web/main.js"
};
static const unsigned char page_health_js[] = {
#embed "web/page-health.js"
};
static const unsigned char page_inbox_js[] = {
#embed "web/page-inbox.js"
};
static const unsigned char page_run_js[] = {
#embed "web/page-run.js"
};
static const unsigned char page_runs_js[] = {
#embed "web/page-runs.js"
};
static const unsigned char page_schedules_js[] = {
#embed "web/page-schedules.js"
};
static const unsigned char page_workflow_js[] = {
#embed "web/page-workflow.js"
};
static const unsigned char page_workflows_js[] = {
#embed "web/page-workflows.js"
};
static const unsigned char run_actions_js[] = {
#embed "web/run-actions.js"
};
static const unsigned char run_events_js[] = {
#embed "web/run-events.js"
};
static const unsigned char run_inspector_js[] = {
#embed "web/run-inspector.js"
};
static const unsigned char run_model_js[] = {
#embed "web/run-model.js"
};
static const unsigned char schema_js[] = {
#embed "web/schema.js"
};
static const unsigned char timeline_js[] = {
#embed "web/timeline.js"
};
static const unsigned char virtual_js[] = {
#embed "web/virtual.js"
};
static const unsigned char widgets_js[] = {
#embed "web/widgets.js"
};

#define FILE(name, bytes) { name, bytes, sizeof bytes }

static const dashboard_file files[] = {
    FILE("index.html", index_html),
    FILE("app.css", app_css),
    FILE("icon.svg", icon_svg),
    FILE("api.js", api_js),
    FILE("conversation.js", conversation_js),
    FILE("dom.js", dom_js),
    FILE("drafts.js", drafts_js),
    FILE("form-check.js", form_check_js),
    FILE("form-fields.js", form_fields_js),
    FILE("form-schema.js", form_schema_js),
    FILE("form-text.js", form_text_js),
    FILE("form.js", form_js),
    FILE("format.js", format_js),
    FILE("graph.js", graph_js),
    FILE("json.js", json_js),
    FILE("main.js", main_js),
    FILE("page-health.js", page_health_js),
    FILE("page-inbox.js", page_inbox_js),
    FILE("page-run.js", page_run_js),
    FILE("page-runs.js", page_runs_js),
    FILE("page-schedules.js", page_schedules_js),
    FILE("page-workflow.js", page_workflow_js),
    FILE("page-workflows.js", page_workflows_js),
    FILE("run-actions.js", run_actions_js),
    FILE("run-events.js", run_events_js),
    FILE("run-inspector.js", run_inspector_js),
    FILE("run-model.js", run_model_js),
    FILE("schema.js", schema_js),
    FILE("timeline.js", timeline_js),
    FILE("virtual.js", virtual_js),
    FILE("widgets.js", widgets_js),
};

const dashboard_file *dashboard_at(size_t index) {
    return index < sizeof files / sizeof *files ? &files[index] : NULL;
}
