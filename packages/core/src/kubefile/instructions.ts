import type { Position } from './kubefile.ts'
import type { Word } from './words.ts'

/** What an instruction of a Kubefile says, word by word: variables are put in when it is executed, for each platform. */
export type Instruction =
  | From
  | Copy
  | Add
  | Run
  | Arg
  | Env
  | Label
  | Maintainer
  | App
  | AppEnv
  | AppCmds
  | KubeVersion
  | Launch
  | Cmds
  | Cmd

interface At {
  readonly at: Position
}

/** A name and its value, as in `ENV A=1`. */
export interface Pair {
  readonly name: Word
  readonly value: Word
}

/** `FROM [--platform=os/arch] IMAGE`; the image `scratch` is the empty base. */
export interface From extends At {
  readonly kind: 'FROM'
  readonly image: Word
  readonly platform?: Word
}

/** A text that is given below its instruction (`<<NAME`) and becomes a file. */
export interface InlineFile extends At {
  /** The file's name, where the target is a folder. */
  readonly name: string
  readonly content: Word
}

/** `COPY [--from=IMAGE] [--chown=UID:GID] [--chmod=MODE] SOURCE… TARGET`; a source may be a text: `<<NAME`. */
export interface Copy extends At {
  readonly kind: 'COPY'
  readonly sources: readonly Word[]
  readonly texts: readonly InlineFile[]
  readonly target: Word
  /** The image whose files the sources are, instead of the context's. */
  readonly from?: Word
  readonly chown?: Word
  readonly chmod?: Word
}

/** `ADD [--checksum=sha256:…] [--chown=…] [--chmod=…] SOURCE… TARGET`; a source may be a URL. */
export interface Add extends At {
  readonly kind: 'ADD'
  readonly sources: readonly Word[]
  readonly texts: readonly InlineFile[]
  readonly target: Word
  readonly checksum?: Word
  readonly chown?: Word
  readonly chmod?: Word
}

/** `RUN [--network=default|none] COMMAND`, the exec form `RUN ["…"]`, or heredocs. */
export interface Run extends At {
  readonly kind: 'RUN'
  /**
   * `shell`: a script for `/bin/sh -c`, with the texts below it. `script`: the content of a program that begins with `#!`. `argv`: a program
   * and its arguments. Variables are left to the command: ARG and ENV are in its environment.
   */
  readonly command: { readonly shell: string } | { readonly script: string } | { readonly argv: readonly string[] }
  readonly network: 'default' | 'none'
}

/** `ARG NAME[=DEFAULT]…`; known while building only. */
export interface Arg extends At {
  readonly kind: 'ARG'
  readonly args: readonly { readonly name: string; readonly at: Position; readonly value?: Word }[]
}

/** `ENV NAME=VALUE…` or `ENV NAME VALUE`. */
export interface Env extends At {
  readonly kind: 'ENV'
  readonly pairs: readonly Pair[]
}

/** `LABEL NAME=VALUE…` or `LABEL NAME VALUE`. */
export interface Label extends At {
  readonly kind: 'LABEL'
  readonly pairs: readonly Pair[]
}

/** `MAINTAINER TEXT`. */
export interface Maintainer extends At {
  readonly kind: 'MAINTAINER'
  readonly name: Word
}

/** `APP NAME SOURCE…`, `CNI NAME SOURCE…`, `CSI NAME SOURCE…`; sources are `local://PATH` or http(s) URLs. */
export interface App extends At {
  readonly kind: 'APP' | 'CNI' | 'CSI'
  readonly name: Word
  readonly sources: readonly Word[]
}

/** `APPENV NAME KEY=VALUE…`. */
export interface AppEnv extends At {
  readonly kind: 'APPENV'
  readonly app: Word
  readonly pairs: readonly Pair[]
}

/** `APPCMDS NAME ["…", …]`: the strings, joined with blanks, are one command. */
export interface AppCmds extends At {
  readonly kind: 'APPCMDS'
  readonly app: Word
  readonly cmds: readonly string[]
}

/** `KUBEVERSION RANGE`, e.g. `>=1.26 <1.30`. */
export interface KubeVersion extends At {
  readonly kind: 'KUBEVERSION'
  readonly range: Word
}

/** `LAUNCH NAME…`: apps in the order they are launched. */
export interface Launch extends At {
  readonly kind: 'LAUNCH'
  readonly apps: readonly Word[]
}

/** `CMDS ["…", …]`: whole commands. */
export interface Cmds extends At {
  readonly kind: 'CMDS'
  readonly cmds: readonly string[]
}

/** `CMD TEXT`: one whole command. */
export interface Cmd extends At {
  readonly kind: 'CMD'
  readonly cmd: string
}
