/* completion.c - what makes a shell ask `pedido complete`. */
#include "clients/cli/cli.h"

#include <stdio.h>

static const struct {
    const char *shell, *script;
} scripts[] = {
    {"bash",
     "# bash: eval \"$(pedido completion bash)\" in ~/.bashrc\n"
     "_pedido() {\n"
     "    local candidate\n"
     "    COMPREPLY=()\n"
     "    while IFS=$'\\t' read -r candidate _; do\n"
     "        COMPREPLY+=(\"$candidate\")\n"
     "    done < <(pedido complete -- \"${COMP_WORDS[@]:1:COMP_CWORD}\" 2>/dev/null)\n"
     "    [[ ${COMP_WORDS[2]} == import ]] && compopt -o default\n"
     "}\n"
     "complete -F _pedido pedido\n"},
    {"zsh",
     "#compdef pedido\n"
     "# zsh: eval \"$(pedido completion zsh)\" in ~/.zshrc, after compinit\n"
     "_pedido() {\n"
     "    local line\n"
     "    local -a candidates\n"
     "    for line in \"${(@f)$(pedido complete -- \"${(@)words[2,CURRENT]}\" 2>/dev/null)}\"; do\n"
     "        [[ -n $line ]] && candidates+=(\"${${line%%$'\\t'*}//:/\\\\:}:${line#*$'\\t'}\")\n"
     "    done\n"
     "    if (( $#candidates )); then _describe pedido candidates; elif [[ ${words[3]} == import ]]; then _files; fi\n"
     "}\n"
     "compdef _pedido pedido\n"
     "[[ $funcstack[1] == _pedido ]] && _pedido\n"},
    {"fish",
     "# fish: pedido completion fish > ~/.config/fish/completions/pedido.fish\n"
     "complete -c pedido -f -a '(pedido complete -- (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'\n"
     "complete -c pedido -n '__fish_seen_subcommand_from import' -F\n"},
};

int
run_completion(struct cli *cli)
{
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++)
        if (strcmp(cli->words[0], scripts[i].shell) == 0) {
            fputs(scripts[i].script, stdout);
            return STATUS_OK;
        }
    return cli_usage(cli, "`%s` is none of bash, zsh, fish", cli->words[0]);
}
