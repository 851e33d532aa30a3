# Shared by the launchers (./heteromem, bench/run, tools/format), which source it. POSIX sh.
# Callers set: name (for messages) and root (the checkout).

required_jdk=25

# die CODE MESSAGE: one line on stderr, then exit.
die() {
    printf '%s: %s\n' "$name" "$2" >&2
    exit "$1"
}

# is_jdk DIR: whether DIR is the home of a JDK that is new enough. Reads its release file; starts no JVM.
is_jdk() {
    [ -x "$1/bin/java" ] && [ -x "$1/bin/javac" ] && [ -r "$1/release" ] || return 1
    jdk_release=
    while IFS='=' read -r jdk_key jdk_value; do
        if [ "$jdk_key" = JAVA_VERSION ]; then
            jdk_release=${jdk_value#\"}
            jdk_release=${jdk_release%\"}
        fi
    done <"$1/release"
    jdk_feature=${jdk_release%%[!0-9]*}
    [ -n "$jdk_feature" ] && [ "$jdk_feature" -ge "$required_jdk" ]
}

# find_jdk: sets java_home and jdk_release, or ends the launcher.
find_jdk() {
    if [ -n "${HETEROMEM_JAVA_HOME:-}" ]; then
        java_home=$HETEROMEM_JAVA_HOME
        is_jdk "$java_home" ||
            die 2 "HETEROMEM_JAVA_HOME=$java_home is not a JDK $required_jdk or newer: correct it, or unset it to search the usual places"
        return
    fi
    for java_home in \
        "${JAVA_HOME:-}" \
        /usr/lib/jvm/* \
        /opt/* /opt/*/* \
        "${HOME:-}"/.sdkman/candidates/java/* \
        "${HOME:-}"/.jdks/* \
        /Library/Java/JavaVirtualMachines/*/Contents/Home; do
        if is_jdk "$java_home"; then return; fi
    done
    jdk_java=$(command -v java || true)
    if [ -n "$jdk_java" ]; then
        jdk_java=$(real_path "$jdk_java")
        java_home=${jdk_java%/bin/java}
        if is_jdk "$java_home"; then return; fi
    fi
    die 2 "no JDK $required_jdk or newer found: install one (for example Temurin $required_jdk) and, if it is not in a usual place, set HETEROMEM_JAVA_HOME to its folder"
}

# real_path FILE: prints FILE with all symbolic links in its last part followed.
real_path() (
    file=$1
    while [ -L "$file" ]; do
        link=$(readlink "$file")
        case $link in
            /*) file=$link ;;
            *) file=$(dirname "$file")/$link ;;
        esac
    done
    printf '%s/%s\n' "$(cd "$(dirname "$file")" && pwd -P)" "$(basename "$file")"
)

# is_stale STAMP MODULE...: whether STAMP is missing, or older than a source or pom of one of the modules.
is_stale() {
    stale_stamp=$1
    shift
    [ -e "$stale_stamp" ] || return 0
    for stale_module in "$@"; do
        if [ -n "$(find "$root/$stale_module/src/main" "$root/$stale_module/pom.xml" "$root/pom.xml" \
            -newer "$stale_stamp" | head -n 1)" ]; then
            return 0
        fi
    done
    return 1
}

# build_if_stale MODULE STAMP MODULE...: packages MODULE, which touches STAMP, when STAMP is stale with respect to the
# modules that follow. Only one launcher builds at a time; the others wait for it and then look again.
build_if_stale() {
    build_module=$1
    build_stamp=$2
    shift 2
    is_stale "$build_stamp" "$@" || return 0
    command -v mvn >/dev/null || die 2 "Maven (mvn) is needed for the first build and is not on the PATH: install Maven 3.8 or newer"
    mkdir -p "$root/$build_module/target"
    build_lock=$root/$build_module/target/build.lock
    build_log=$root/$build_module/target/build.log
    until ln -s "$$" "$build_lock" 2>/dev/null; do
        build_owner=$(readlink "$build_lock" || true)
        if [ -n "$build_owner" ] && ! kill -0 "$build_owner" 2>/dev/null; then
            rm -f "$build_lock" # Its owner was killed.
            continue
        fi
        sleep 1
    done
    trap 'rm -f "$build_lock"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    if is_stale "$build_stamp" "$@"; then
        printf '%s: building (first use or changed sources), this takes a moment...\n' "$name" >&2
        if ! (cd "$root" && JAVA_HOME=$java_home mvn -B -q -Dmaven.test.skip=true package -pl "$build_module" -am) \
            >"$build_log" 2>&1; then
            tail -n 30 "$build_log" >&2
            die 1 "the build failed; its end is above, all of it in $build_log"
        fi
    fi
    rm -f "$build_lock"
    trap - EXIT INT TERM
}
