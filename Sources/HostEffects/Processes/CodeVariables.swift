internal import FlatValue

/// Variables of the environment by which a program is told to run other code: the loader, the C library, shells, interpreters,
/// and tools that start a pager, an editor or a helper.
///
/// Whoever may run one program by its name may not run another one through these. No list of them is complete: what a program
/// does is its own.
enum CodeVariables {
    static func includes(_ name: String) -> Bool {
        names.contains(name)
            || prefixes.contains { name.begins(with: $0) } && !harmless.contains { name.begins(with: $0) }
    }

    private static let prefixes = [
        "LD_", "DYLD_", "BASH_FUNC_", "PERL", "RUBY", "LUA_", "GIT_", "DOTNET_", "CORECLR_", "COMPlus_", "OPENSSL_",
        "NPM_CONFIG_", "npm_config_", "R_", "SSH_ASKPASS",
    ]
    private static let harmless = ["GIT_AUTHOR_", "GIT_COMMITTER_", "GIT_TERMINAL_PROMPT"]

    private static let names: Set<String> = [
        // The C library.
        "GCONV_PATH", "GETCONF_DIR", "GLIBC_TUNABLES", "HOSTALIASES", "LOCPATH", "MALLOC_TRACE", "NLSPATH",
        "RESOLV_HOST_CONF", "TERMCAP", "TERMINFO",
        // Shells, and where programs and settings are found.
        "BASHOPTS", "BASH_ENV", "CDPATH", "ENV", "HOME", "IFS", "PATH", "PROMPT_COMMAND", "PS4", "SHELL", "SHELLOPTS",
        "XDG_CONFIG_DIRS", "XDG_CONFIG_HOME", "XDG_DATA_DIRS", "XDG_DATA_HOME", "ZDOTDIR",
        // Interpreters and build tools.
        "AWKLIBPATH", "AWKPATH", "CLASSPATH", "GEM_HOME", "GEM_PATH", "GNUMAKEFLAGS", "GOFLAGS", "GUILE_LOAD_PATH",
        "JAVA_HOME", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "MAKEFILES", "MAKEFLAGS", "NODE_OPTIONS", "NODE_PATH",
        "PHPRC", "PHP_INI_SCAN_DIR", "PYTHONBREAKPOINT", "PYTHONHOME", "PYTHONINSPECT", "PYTHONPATH",
        "PYTHONPLATLIBDIR", "PYTHONPYCACHEPREFIX", "PYTHONSTARTUP", "PYTHONUSERBASE", "PYTHONWARNINGS", "RUSTC_WRAPPER",
        "RUSTFLAGS", "TCLLIBPATH", "_JAVA_OPTIONS",
        // What is started beside a program.
        "BROWSER", "CVS_RSH", "EDITOR", "EXINIT", "FCEDIT", "LESS", "LESSCLOSE", "LESSKEY", "LESSOPEN", "MANPAGER",
        "PAGER",
        "RSYNC_RSH", "SUDO_ASKPASS", "SYSTEMD_PAGER", "TAR_OPTIONS", "VIMINIT", "VIMRUNTIME", "VISUAL",
    ]
}
