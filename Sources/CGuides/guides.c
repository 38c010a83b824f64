#include "guides.h"

static const unsigned char agents[] = {
#embed "../../docs/agents.md"
};
static const unsigned char branches[] = {
#embed "../../docs/branches.md"
};
static const unsigned char coming_from_ai_kit[] = {
#embed "../../docs/coming-from-ai-kit.md"
};
static const unsigned char compensation[] = {
#embed "../../docs/compensation.md"
};
static const unsigned char dashboard[] = {
#embed "../../docs/dashboard.md"
};
static const unsigned char deploy[] = {
#embed "../../docs/deploy.md"
};
static const unsigned char durability[] = {
#embed "../../docs/durability.md"
};
static const unsigned char embedding_in_swift[] = {
#embed "../../docs/embedding-in-swift.md"
};
static const unsigned char errors[] = {
#embed "../../docs/errors.md"
};
static const unsigned char events[] = {
#embed "../../docs/events.md"
};
static const unsigned char first_workflow[] = {
#embed "../../docs/first-workflow.md"
};
static const unsigned char hot_reload[] = {
#embed "../../docs/hot-reload.md"
};
static const unsigned char http[] = {
#embed "../../docs/http.md"
};
static const unsigned char human_steps[] = {
#embed "../../docs/human-steps.md"
};
static const unsigned char limits[] = {
#embed "../../docs/limits.md"
};
static const unsigned char loops[] = {
#embed "../../docs/loops.md"
};
static const unsigned char mcp[] = {
#embed "../../docs/mcp.md"
};
static const unsigned char parallel_and_foreach[] = {
#embed "../../docs/parallel-and-foreach.md"
};
static const unsigned char permissions[] = {
#embed "../../docs/permissions.md"
};
static const unsigned char reference[] = {
#embed "../../docs/reference.md"
};
static const unsigned char repl[] = {
#embed "../../docs/repl.md"
};
static const unsigned char runs[] = {
#embed "../../docs/runs.md"
};
static const unsigned char scaling[] = {
#embed "../../docs/scaling.md"
};
static const unsigned char schedules[] = {
#embed "../../docs/schedules.md"
};
static const unsigned char schemas[] = {
#embed "../../docs/schemas.md"
};
static const unsigned char security[] = {
#embed "../../docs/security.md"
};
static const unsigned char serve[] = {
#embed "../../docs/serve.md"
};
static const unsigned char telemetry[] = {
#embed "../../docs/telemetry.md"
};
static const unsigned char testing[] = {
#embed "../../docs/testing.md"
};
static const unsigned char webhooks[] = {
#embed "../../docs/webhooks.md"
};

#define GUIDE(name, bytes) { name, bytes, sizeof bytes }

static const guide guides[] = {
    GUIDE("agents", agents),
    GUIDE("branches", branches),
    GUIDE("coming-from-ai-kit", coming_from_ai_kit),
    GUIDE("compensation", compensation),
    GUIDE("dashboard", dashboard),
    GUIDE("deploy", deploy),
    GUIDE("durability", durability),
    GUIDE("embedding-in-swift", embedding_in_swift),
    GUIDE("errors", errors),
    GUIDE("events", events),
    GUIDE("first-workflow", first_workflow),
    GUIDE("hot-reload", hot_reload),
    GUIDE("http", http),
    GUIDE("human-steps", human_steps),
    GUIDE("limits", limits),
    GUIDE("loops", loops),
    GUIDE("mcp", mcp),
    GUIDE("parallel-and-foreach", parallel_and_foreach),
    GUIDE("permissions", permissions),
    GUIDE("reference", reference),
    GUIDE("repl", repl),
    GUIDE("runs", runs),
    GUIDE("scaling", scaling),
    GUIDE("schedules", schedules),
    GUIDE("schemas", schemas),
    GUIDE("security", security),
    GUIDE("serve", serve),
    GUIDE("telemetry", telemetry),
    GUIDE("testing", testing),
    GUIDE("webhooks", webhooks),
};

const guide *guide_at(size_t index) { return index < sizeof guides / sizeof *guides ? &guides[index] : NULL; }
