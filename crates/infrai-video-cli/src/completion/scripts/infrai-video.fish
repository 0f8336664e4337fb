# Completion of infrai-video for fish. The candidates come from the command itself, which sends nothing.
complete --keep-order --no-files --command infrai-video --arguments '(
    INFRAI_VIDEO_COMPLETE=fish infrai-video -- (commandline --current-process --tokenize --cut-at-cursor) \
        (commandline --current-token --cut-at-cursor) 2>/dev/null
)'
