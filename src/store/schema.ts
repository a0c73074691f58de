import type { Generated } from 'kysely'
import type { DeploymentState, DeployStep } from '../core/deployment.ts'
import type { ErrandState, ErrandStep } from '../core/errand.ts'
import type { IntentKind } from '../core/intent.ts'
import type { MachineConflict } from '../core/machine-identity.ts'
import type { ScheduledOrder } from '../core/machine-order.ts'
import type { RamrootBoot } from '../core/ramroot.ts'
import type { Promotion, UpdatesWanted } from '../core/rebuild.ts'
import type { HookPoint } from '../core/setup.ts'
import type { ScopeKind } from '../core/setup-scope.ts'
import type { TimelineKind } from '../core/timeline.ts'
import type { Update, UpdateMachine, UpdatePolicy } from '../core/update.ts'

/** Times are milliseconds since the epoch, truth values 0 or 1, `_json` columns JSON text: alike on SQLite and PostgreSQL. */
export type Schema = {
  machines: {
    id: string
    name: string
    uuid: string | null
    group_name: string
    labels_json: Generated<string>
    address: string | null
    approved: number
    intent_kind: IntentKind
    intent_revision: number
    deployment_id: string | null
    errand_id: string | null
    standing_json: string
    inventory_json: string | null
    hand_over: string | null
    last_seen_at: number | null
    created_at: number
    shares_uuid: Generated<number>
  }
  /** Every pair stands here twice, once for each of the two. */
  machine_conflicts: { machine_id: string; other_id: string; kind: MachineConflict['kind'] }
  machine_macs: { mac: string; machine_id: string }
  ramroot_boots: {
    id: string
    machine_id: string
    image: string
    version: string
    rendition: RamrootBoot['rendition']
    state: RamrootBoot['state']
    bytes_fetched: number
    failure: string | null
    started_at: number
    ended_at: number | null
  }
  /** Roll-outs of versions to machines that run from memory. */
  updates: {
    id: string
    state: Update['state']
    reason: string | null
    to_reference: string | null
    policy_json: string
    forgiven_failures: number
    created_at: number
  }
  update_machines: {
    update_id: string
    machine_id: string
    position: number
    image: string
    version: string
    rendition: RamrootBoot['rendition']
    state: UpdateMachine['state']
    reason: string | null
    by_way: UpdatePolicy['by'] | null
    changed_at: number
    told_at: number | null
    restarted_at: number | null
  }
  deployments: {
    id: string
    machine_id: string
    kind: string
    image: string
    version: string
    rendition: string
    disk_rule_json: string
    layout_json: string
    filesystem: string
    hand_over: string
    session_only: Generated<number>
    kernel_arguments_json: string
    keep_versions: number
    verify: string
    proof_seconds: number
    boot_attempts: number
    boots_json: string
    retry_json: string | null
    heard_at: number | null
    state: DeploymentState
    step: DeployStep | null
    failure: string | null
    bytes_fetched: number
    bytes_written: number
    bytes_reused: number
    steps_json: string
    ssh_host_keys_json: string
    kept_versions_json: string
    created_at: number
    deadline_at: number
    handed_over_at: number | null
    handed_over_by: string | null
    hand_over_seconds: number | null
    boot_order_json: string | null
    finished_at: number | null
  }
  errands: {
    id: string
    machine_id: string
    work_json: string
    once: number
    boot_attempts: number
    boots_json: string
    heard_at: number | null
    state: ErrandState
    step: ErrandStep | null
    failure: string | null
    steps_json: string
    result_json: string | null
    created_at: number
    deadline_at: number
    finished_at: number | null
  }
  /** Orders for many machines that are placed later. */
  scheduled_orders: {
    id: string
    at: number
    machines_json: string
    order_json: string
    state: ScheduledOrder['state']
    placed_json: string
    created_at: number
  }
  /** Images that are made anew when their models change. */
  rebuilds: {
    image: string
    source_json: string
    clean_up_json: string
    every: string
    promotion: Promotion
    due_at: number
    fingerprint: string | null
    outcome_json: string | null
    updates: UpdatesWanted | null
    built_on: string | null
  }
  /** What an operator's script said; `start`: how many characters came before. */
  errand_output: { errand_id: string; start: number; text: string }
  /** Machines that are to come: approved when an agent reports just what stands here. */
  expected_machines: {
    id: string
    name: string | null
    serial: string | null
    uuid: string | null
    mac: string | null
    group_name: string | null
    labels_json: string | null
    address: string | null
    created_at: number
  }
  group_defaults: { name: string; on_approval_json: string }
  /** How the machines of a group, or of a model, are left. */
  hand_over_rules: { scope: string; name: string; hand_over: string }
  /** `owner` is the name of an image or group, and a machine's id. */
  hooks: { scope: ScopeKind; owner: string; point: HookPoint; script: string; timeout_seconds: number }
  variables: { scope: ScopeKind; owner: string; name: string; value: string; secret: number }
  file_templates: {
    scope: ScopeKind
    owner: string
    path: string
    template: string
    verbatim: number
    mode: string | null
    file_owner: string
  }
  /** What a deployment was given when it was ordered, secrets in it: in no answer of the API. */
  deployment_setups: { deployment_id: string; setup_json: string }
  sessions: {
    /** SHA-256 of the bearer, hexadecimal. */
    bearer_hash: string
    machine_id: string
    /** What identifies the boot attempt; null for an anonymous session. */
    token_nonce: string | null
    work_id: string | null
    public_key: string
    agent_nonce: string
    created_at: number
  }
  /** Boot tokens that were exchanged, kept until they would have expired anyway. */
  used_tokens: { nonce: string; machine_id: string; public_key: string; used_at: number }
  events: {
    sequence: Generated<number>
    at: number
    machine_id: string | null
    deployment_id: string | null
    errand_id: string | null
    kind: TimelineKind
    message: string
    data_json: string | null
  }
  /** `delivered_through`: the last event that the receiver took. */
  webhooks: { url: string; delivered_through: number }
  /** Receivers that were named by the API, beside those of the site file; `secret` is in no answer. */
  webhook_receivers: { url: string; kinds_json: string | null; secret: string | null }
}
