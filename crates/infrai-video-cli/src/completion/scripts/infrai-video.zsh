#compdef infrai-video
# Completion of infrai-video for zsh. The candidates come from the command itself, which sends nothing.
_infrai-video() {
    local line
    local -a directories others
    for line in "${(@f)$(
        INFRAI_VIDEO_COMPLETE=zsh infrai-video -- "${(@)words[1,CURRENT-1]}" "$PREFIX" 2>/dev/null
    )}"; do
        case ${line%%:*} in
            '') ;;
            */) directories+=("${line%/}") ;;
            *) others+=("$line") ;;
        esac
    done
    [[ -n $directories ]] && _describe -V 'directory' directories -S / -r /
    [[ -n $others ]] && _describe -V 'value' others
}
# Loaded through $fpath, this file is the function; sourced, it defines it.
if [[ $funcstack[1] == _infrai-video ]]; then
    _infrai-video "$@"
else
    compdef _infrai-video infrai-video
fi
