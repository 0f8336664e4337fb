# Completion of infrai-video for bash. The candidates come from the command itself, which sends nothing.
_infrai_video() {
    local line
    COMPREPLY=()
    while IFS= read -r line; do
        COMPREPLY+=("$line")
    done < <(
        INFRAI_VIDEO_COMPLETE=bash INFRAI_VIDEO_COMPLETE_WORD="$2" \
            infrai-video -- "${COMP_WORDS[@]:0:COMP_CWORD+1}" 2>/dev/null
    )
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[/=] ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
if [[ ${BASH_VERSINFO[0]} -gt 4 || (${BASH_VERSINFO[0]} -eq 4 && ${BASH_VERSINFO[1]} -ge 4) ]]; then
    complete -o bashdefault -o nosort -F _infrai_video infrai-video
else
    complete -o bashdefault -F _infrai_video infrai-video
fi
