// Made from `pedido schema --json` by scripts/regen; do not edit.

/** A whole number of up to 64 bits: a bigint where a number would not be exact, above 2^53. */
export type Int = number | bigint;

/** where an order stands */
export type OrderState = "draft" | "new" | "held" | "provisioning" | "provisioning_failed" | "completed" | "cancelled" | "cancelling" | "cleanup_failed" | "failed";

/** where an item of an order stands */
export type ItemState = "waiting" | "provisioning" | "completed" | "failed" | "cancelled" | "removing" | "cleanup_failed" | "orphaned";

/** what an order is for */
export type OrderType = "sales";

/** what an item does */
export type ItemAction = "add";

/** the commercial side of a subscription */
export type SubscriptionStatus = "ordered" | "trial" | "active" | "terminated";

/** the technical side of a subscription */
export type ServiceStatus = "not_provisioned" | "provisioning" | "running" | "removing" | "removed" | "removal_failed";

/** where a task stands; open are the first two */
export type TaskState = "created" | "leased" | "succeeded" | "failed" | "timed_out" | "cancelled";

/** what a worker is asked to do */
export type Operation = "provision" | "deprovision";

/** whether a plan needs a domain name, and whom it may share it with */
export type DomainPolicy = "none" | "shared" | "exclusive";

/** who makes a plan's service */
export type Provisioning = "worker" | "manual" | "none";

/** whether a customer may order */
export type CustomerStatus = "active" | "on_hold";

/** how long CheckStatus waits */
export type Until = "change" | "end";

/** what an item waits for before it is done */
export type WaitsFor = "no_worker" | "free_worker" | "worker" | "by_hand" | "customer_on_hold" | "next_try" | "worker_to_stop";

/** why a task does not go on */
export type TaskTrouble = "no_worker" | "overdue";

/** what an event belongs to */
export type Aggregate = "engine" | "reseller" | "customer" | "plan" | "order" | "subscription" | "task" | "key";

/** the order of a list */
export type Sort = "oldest" | "newest" | "changed" | "expiring";

/** what is counted by the hour */
export type Counted = "events" | "entered" | "left" | "added" | "begun" | "ended";

/** where a backup stands */
export type BackupPhase = "copying" | "checking" | "done" | "failed";

/** which field a search has found its text in */
export type Matched = "customer" | "name" | "order" | "reference" | "subscription" | "domain";

/** what the engine measures of itself: _total counts since the start, _us are microseconds */
export type Metric = "up_s" | "writable" | "log_position" | "commands_total" | "turns_total" | "refusals_total" | "turn_us" | "turn_commands" | "commit_us" | "sync_us" | "rows_us" | "views_us" | "query_us" | "pending" | "held_queries" | "views_lag" | "views_building" | "subscriber_lag" | "tasks_waiting" | "tasks_leased" | "workers" | "unaddressed_total" | "disconnected_total" | "undeliverable_total" | "published_total" | "store_used_bytes" | "store_file_bytes" | "store_map_bytes" | "store_readers" | "store_reader_lag" | "disk_free_bytes" | "memory_bytes" | "index_files" | "index_lag" | "peers_refused_total" | "peers_limited_total" | "subscriptions_refused_total" | "unauthorised_total";

/** the least role a message asks for */
export type Role = "customer" | "monitor" | "worker" | "reseller" | "operator" | "admin" | "engine" | "anyone";

/** where a message is taken */
export type Port = "commands" | "queries" | "workers" | "engine";

/** Protocol version, log id, limits, head and the other endpoints. */
export interface Hello {
}

/** Where the other ports are. */
export interface Endpoints {
    /** Commands. */
    commands: string;
    /** Events. */
    events: string;
    /** Queries. */
    queries: string;
    /** Workers. */
    workers: string;
}

/** What one message may hold. */
export interface ProtocolLimits {
    /** Bytes of a frame. */
    frame_bytes: Int;
    /** Commands in one frame. */
    array_commands: Int;
    /** Items of an order. */
    order_items: Int;
    /** Rows of a query's answer. */
    page_rows: Int;
}

/** Hello. */
export interface HelloReply {
    /** The protocol's version. */
    protocol: Int;
    /** The engine's version. */
    software: string;
    /** The log's id, 32 hexadecimal digits. */
    log: string;
    /** The reseller's last position. */
    head: Int;
    /** The engine's time. */
    time: Int;
    /** Where the ports are. */
    endpoints: Endpoints;
    /** What one message may hold. */
    limits: ProtocolLimits;
}

/** Make a reseller, or say all of it anew. */
export interface PutReseller {
    /** The reseller's id. */
    reseller: string;
    /** Its name. */
    name: string;
    /** IANA time zone in which its periods are counted; UTC when absent. */
    time_zone?: string;
}

/** PutReseller, PutPlan, PutPeriod, PutCustomer, HoldCustomer, ReleaseCustomer. */
export interface PutReply {
    /** The reseller. */
    reseller?: string;
    /** The customer. */
    customer?: string;
    /** The plan. */
    plan?: string;
    /** The period. */
    period?: string;
    /** The version now. */
    version: Int;
}

/** Make a plan, or say all of it anew; orders keep the version they were priced with. */
export interface PutPlan {
    /** The plan's id. */
    plan: string;
    /** Its name. */
    name: string;
    /** What kind of service it is, such as hosting or mail. */
    category: string;
    /** Whether it can be ordered. */
    published: boolean;
    /** Whether it needs a domain name: none, shared or exclusive. */
    domain: DomainPolicy;
    /** worker (when absent), manual or none. */
    provisioning?: Provisioning;
    /** The workers that may do it; the plan's id when absent. */
    worker_group?: string;
    /** The time a provisioning may take; 86400 when absent. */
    deadline_s?: number;
}

/** Make a period of a plan, or say all of it anew. */
export interface PutPeriod {
    /** The plan. */
    plan: string;
    /** A count and a unit: Nd, Nm or Ny. */
    period: string;
    /** Whether it can be ordered. */
    enabled: boolean;
    /** A trial period. */
    trial?: boolean;
    /** Renewed without being asked. */
    auto_renew?: boolean;
    /** Once, for each unit. */
    setup_fee: Int;
    /** For the first period, for each unit. */
    recurring_fee: Int;
    /** For each later period; the recurring fee when absent. */
    renewal_fee?: Int;
    /** Of all three fees. */
    currency: string;
}

/** Make a customer, or say all of it anew. */
export interface PutCustomer {
    /** The customer's id. */
    customer: string;
    /** The customer's name. */
    name: string;
    /** Where the customer is written to. */
    email?: string;
}

/** Add a reason to hold: no new orders, open orders wait. */
export interface HoldCustomer {
    /** The customer. */
    customer: string;
    /** The reason; each is kept until it is released. */
    reason: string;
}

/** Take a reason to hold back; the customer is active when none is left. */
export interface ReleaseCustomer {
    /** The customer. */
    customer: string;
    /** The reason, as it was given. */
    reason: string;
}

/** One line of an order, as the client asks for it. */
export interface ItemRequest {
    /** The plan to subscribe to. */
    plan: string;
    /** One of the plan's periods, such as 1m or 1y. */
    period: string;
    /** The domain name; required when the plan needs one. */
    domain?: string;
    /** 1 when absent. */
    quantity?: number;
    /** Passed on to whoever provisions. */
    parameters?: Record<string, string>;
}

/** Price a new order as a draft, to be reviewed and confirmed. */
export interface AddOrder {
    /** Who gets it. */
    customer: string;
    /** What is ordered. */
    items: ItemRequest[];
    /** The client's own order number, unique per reseller for ever; the command's id when absent. */
    reference?: string;
}

/** One line of an order: the terms it was priced with, which never change, and how far it has come. */
export interface OrderItem {
    /** Its number within the order, from 1. */
    item: Int;
    /** What the item does. */
    action: ItemAction;
    /** The plan. */
    plan: string;
    /** The plan's name when the order was priced. */
    plan_name: string;
    /** The plan's version the order was priced with. */
    plan_version: Int;
    /** The plan's category. */
    category: string;
    /** The period. */
    period: string;
    /** The period's version the order was priced with. */
    period_version: Int;
    /** A trial period. */
    trial?: boolean;
    /** Renewed without being asked. */
    auto_renew?: boolean;
    /** The domain name in ASCII. */
    domain?: string;
    /** The domain name as a person reads it. */
    domain_unicode?: string;
    /** Whether the domain is shared or exclusive. */
    domain_policy: DomainPolicy;
    /** How many units. */
    quantity: number;
    /** Passed on to whoever provisions. */
    parameters: Record<string, string>;
    /** Per unit. */
    setup_fee: Int;
    /** Per unit. */
    recurring_fee: Int;
    /** Per unit. */
    renewal_fee: Int;
    /** quantity x (setup_fee + recurring_fee). */
    total: Int;
    /** Who makes the service. */
    provisioning: Provisioning;
    /** The workers that may do it. */
    worker_group: string;
    /** The time a provisioning may take. */
    deadline_s: number;
    /** How far it has come. */
    state: ItemState;
    /** Its subscription, from OpenOrder on. */
    subscription?: Int;
    /** Its task, from OpenOrder on. */
    task?: Int;
    /** The instance id: ours, the same in every attempt. */
    instance?: string;
    /** Which try this is. */
    attempt?: Int;
    /** The task's last lease number. */
    lease?: Int;
    /** The worker that holds or closed the task. */
    worker?: string;
    /** As the worker told it. */
    progress?: number;
    /** The worker's last words. */
    message?: string;
    /** When the task's time runs out. */
    deadline?: Int;
    /** When the task was last handed out, or began to wait for that. */
    since?: Int;
    /** Where its task stands, from OpenOrder on. */
    task_state?: TaskState;
    /** When it is tried again, while it waits for that. */
    next_try?: Int;
}

/** AddOrder, UpdateOrder: the order to be reviewed. */
export interface ReviewReply {
    /** The order's number; absent in a dry run. */
    order?: Int;
    /** The client's own order number. */
    reference: string;
    /** draft. */
    state: OrderState;
    /** The order's version. */
    version: Int;
    /** Of all its amounts. */
    currency: string;
    /** The setup fees. */
    setup_total: Int;
    /** The fees of the first periods. */
    recurring_total: Int;
    /** Both. */
    total: Int;
    /** Its lines. */
    items: OrderItem[];
    /** What may be done next. */
    allowed: string[];
}

/** Replace the items of an order that is not open yet; it is a draft again, priced and checked anew. */
export interface UpdateOrder {
    /** The order's number; or give its reference. */
    order?: Int;
    /** The order's reference. */
    reference?: string;
    /** What is ordered now. */
    items: ItemRequest[];
}

/** The review is right: the order is new, its domains are claimed. */
export interface ConfirmOrder {
    /** The order's number; or give its reference. */
    order?: Int;
    /** The order's reference. */
    reference?: string;
    /** Refuse unless this is the order's total. */
    total?: Int;
}

/** ConfirmOrder, OpenOrder, CancelOrder, RetryProvisioning, CorrectItem, AcceptPartial, GiveUp. */
export interface OrderReply {
    /** The order's number. */
    order: Int;
    /** Its reference. */
    reference: string;
    /** Where it stood at the end of the command. */
    state: OrderState;
    /** Why it stands there. */
    reason?: string;
    /** Its version at the end of the command. */
    version: Int;
    /** What may be done next. */
    allowed: string[];
}

/** Hand the order over for provisioning. */
export interface OpenOrder {
    /** The order's number; or give its reference. */
    order?: Int;
    /** The order's reference. */
    reference?: string;
}

/** Where the order and each item stands, and what may be done next. */
export interface CheckStatus {
    /** The order's number; or give its reference. */
    order?: Int;
    /** The order's reference. */
    reference?: string;
    /** Hold the answer this long for a change or the end; not inside an array. */
    wait_ms?: number;
    /** change (when absent) or end. */
    until?: Until;
}

/** One item in CheckStatus' answer. */
export interface StatusItem {
    /** The item's number. */
    item: Int;
    /** Its plan. */
    plan: string;
    /** How far it has come. */
    state: ItemState;
    /** Its subscription. */
    subscription?: Int;
    /** Its task. */
    task?: Int;
    /** Which try this is. */
    attempt?: Int;
    /** As the worker told it. */
    progress?: number;
    /** The worker's last words. */
    message?: string;
    /** Who has it. */
    worker?: string;
    /** When its time runs out. */
    deadline?: Int;
    /** When it is tried again, while it waits for that. */
    next_try?: Int;
    /** Why it is not done yet; absent when it is, has failed, or the order is still to be opened. */
    waits_for?: WaitsFor;
    /** The workers that may do it, while it is to be done by one. */
    worker_group?: string;
    /** Since when `worker` has it; or since when it waits to be handed out, or to be done by hand. */
    since?: Int;
}

/** CheckStatus. */
export interface StatusReply {
    /** The order's number. */
    order: Int;
    /** Its reference. */
    reference: string;
    /** Where it stands. */
    state: OrderState;
    /** Why it stands there. */
    reason?: string;
    /** cancelling, cleanup_failed: the end it goes to. */
    goal?: OrderState;
    /** Its version. */
    version: Int;
    /** Each item. */
    items: StatusItem[];
    /** What may be done next. */
    allowed: string[];
    /** Why it does not go on, such as a group without a worker. */
    blocked_by?: string;
}

/** End an order: at once where nothing was handed to a worker, else when what may exist is removed. Said again, it tries a failed clean-up again. */
export interface CancelOrder {
    /** The order's number; or give its reference. */
    order?: Int;
    /** The order's reference. */
    reference?: string;
    /** Why; shown with the order. */
    reason?: string;
}

/** Try the failed items again: next attempt, same instance, new deadline. */
export interface RetryProvisioning {
    /** The order's number; or give its reference. */
    order?: Int;
    /** The order's reference. */
    reference?: string;
}

/** Write something beside an order, a customer or a subscription, in whatever state; it stands in the thing's history. */
export interface AddNote {
    /** The order's number; or give its reference, or one of the two below. */
    order?: Int;
    /** The order's reference. */
    reference?: string;
    /** The customer. */
    customer?: string;
    /** The subscription's number. */
    subscription?: Int;
    /** What is to be remembered. */
    text: string;
}

/** AddNote. */
export interface NoteReply {
    /** The order that has the note. */
    order?: Int;
    /** Its reference. */
    reference?: string;
    /** The customer that has it. */
    customer?: string;
    /** The subscription that has it. */
    subscription?: Int;
    /** The version now. */
    version: Int;
}

/** Complete a failed order with the items that are done; the failed ones are cancelled, and the totals are those of the rest. */
export interface AcceptPartial {
    /** The order's number; or give its reference. */
    order?: Int;
    /** The order's reference. */
    reference?: string;
}

/** End a failed order as failed: what may exist is removed first, or with abandon, after a failed clean-up, left behind. */
export interface GiveUp {
    /** The order's number; or give its reference. */
    order?: Int;
    /** The order's reference. */
    reference?: string;
    /** Why; shown with the order. */
    reason: string;
    /** After a failed clean-up: end all the same; the event lists what may be left. */
    abandon?: boolean;
}

/** Give a failed item another domain or other parameters, and a new instance; what the old one left is removed. RetryProvisioning then tries it. */
export interface CorrectItem {
    /** The order's number; or give its reference. */
    order?: Int;
    /** The order's reference. */
    reference?: string;
    /** The item's number. */
    item: Int;
    /** The domain name it is to have; as it is when absent. */
    domain?: string;
    /** The parameters it is to have; as they are when absent. */
    parameters?: Record<string, string>;
}

/** Remove the service, then end the subscription. Said again after a failed removal, it tries again. */
export interface EndSubscription {
    /** The subscription. */
    subscription: Int;
    /** Why; shown with the subscription. */
    reason: string;
    /** After a failed removal: end all the same; the event lists what may be left. */
    abandon?: boolean;
}

/** EndSubscription, ImportSubscription. */
export interface SubscriptionChangeReply {
    /** The subscription's number. */
    subscription: Int;
    /** The commercial side at the end of the command. */
    status: SubscriptionStatus;
    /** The technical side. */
    service_status: ServiceStatus;
    /** Its version. */
    version: Int;
}

/** Take over a subscription that exists already; nothing is provisioned. */
export interface ImportSubscription {
    /** Who has it. */
    customer: string;
    /** Its plan, published or not. */
    plan: string;
    /** One of the plan's periods, enabled or not. */
    period: string;
    /** The domain name; required when the plan needs one. */
    domain?: string;
    /** Since when it is active; also the anchor of its periods. */
    start: Int;
    /** When it expires. */
    expiration: Int;
    /** What it was known by; unique among the reseller's imports for ever. */
    reference: string;
    /** 1 when absent. */
    quantity?: number;
    /** Login address, server; handed to whoever removes it. */
    parameters?: Record<string, string>;
}

/** A task that waits for its next try may be handed out at once; a removal that failed for good is tried again. */
export interface RetryTask {
    /** The task. */
    task: Int;
    /** Why; it stands in the history. */
    reason?: string;
}

/** RetryTask, ReleaseTask, FailTask, SucceedTask. */
export interface TaskReply {
    /** The task. */
    task: Int;
    /** What it is to do. */
    operation: Operation;
    /** The order that waits for it. */
    order?: Int;
    /** Its item. */
    item?: Int;
    /** The subscription that is to be removed. */
    subscription?: Int;
}

/** Take a task from its worker, who is told to stop; it is handed out anew. */
export interface ReleaseTask {
    /** The task. */
    task: Int;
    /** Why; it stands in the history. */
    reason?: string;
}

/** Close an open task as failed, whoever has it. */
export interface FailTask {
    /** The task. */
    task: Int;
    /** Why; it stands in the history. */
    reason: string;
}

/** Close an open task as done: what a person did by hand. */
export interface SucceedTask {
    /** The task. */
    task: Int;
    /** Why; it stands in the history. */
    reason: string;
    /** For the subscription: login address, server. */
    parameters?: Record<string, string>;
}

/** A worker finishes what it has, gets no more, and leaves. Not a command: nothing is appended or remembered. */
export interface DrainWorker {
    /** The worker's name. */
    worker: string;
}

/** DrainWorker. */
export interface DrainReply {
    /** The worker. */
    worker: string;
    /** The tasks that it still has. */
    held: Int;
}

/** I follow events under this name, whose position the engine keeps; nobody else may until I have let go, or am silent for hold_ms. Not a command: nothing is appended or remembered. */
export interface AttachSubscriber {
    /** The subscriber's name, the reseller's own. It is made where there is none. */
    subscriber: string;
    /** Who I am: a text that no other program uses. */
    holder: string;
    /** A subscriber to all resellers, with the log's positions. */
    all?: boolean;
    /** The first position wanted, where it is made; when absent what happens from now on. */
    from?: Int;
}

/** AttachSubscriber, MoveSubscriber, DetachSubscriber, DeleteSubscriber. */
export interface SubscriberReply {
    /** Its name. */
    subscriber: string;
    /** It follows all resellers. */
    all?: boolean;
    /** The id of the log that the position is of; another one than the engine's, when that was restored since. */
    log: string;
    /** The last position that is done. */
    position: Int;
    /** The last there is. */
    head: Int;
    /** A holder that is silent for this long holds it no more. */
    hold_ms: number;
}

/** What came up to this position is done, on stable storage with the answer. A position that is behind the subscriber's changes nothing, but says that I am there. Not a command. */
export interface MoveSubscriber {
    /** The subscriber's name. */
    subscriber: string;
    /** Who I am. */
    holder: string;
    /** A subscriber to all resellers. */
    all?: boolean;
    /** The id of the log that the position is of. */
    log: string;
    /** The last one that is done. */
    position: Int;
}

/** I follow no more; another may. Not a command. */
export interface DetachSubscriber {
    /** The subscriber's name. */
    subscriber: string;
    /** Who I was. */
    holder: string;
    /** A subscriber to all resellers. */
    all?: boolean;
}

/** Forget a subscriber that nobody follows under, and its position. Not a command. */
export interface DeleteSubscriber {
    /** The subscriber's name. */
    subscriber: string;
    /** A subscriber to all resellers. */
    all?: boolean;
}

/** A subscriber goes on without having done one event: who said so, and why, stands in the log. */
export interface SkipEvent {
    /** The subscriber's name. */
    subscriber: string;
    /** A subscriber to all resellers. */
    all?: boolean;
    /** The event's position, as the subscriber counts. */
    position: Int;
    /** Why. */
    reason?: string;
}

/** SkipEvent. */
export interface SkipReply {
    /** The subscriber. */
    subscriber: string;
    /** What it passes over. */
    position: Int;
}

/** Say what a key may do, or say it anew: on the things of the message's reseller, or with `all` of every one. */
export interface GrantKey {
    /** The key. */
    key: string;
    /** Who has it. A worker under this key has this name, or one that begins with it and a dot. */
    name: string;
    /** customer, monitor, worker, reseller, operator or admin. */
    role: Role;
    /** Of all resellers; an admin's and a worker's always are. */
    all?: boolean;
    /** Of a customer's key: whose panel it shows. */
    customer?: string;
    /** Of a worker's key: the groups it may work for; any when absent. */
    groups?: string[];
}

/** GrantKey, RevokeKey. */
export interface KeyReply {
    /** The key. */
    key: string;
    /** What it may do; absent: nothing. */
    role?: Role;
    /** Whose things; absent: all resellers', or none. */
    reseller?: string;
    /** The version now. */
    version: Int;
}

/** A key may do nothing from now on. */
export interface RevokeKey {
    /** The key. */
    key: string;
    /** Why; it stands in the log. */
    reason?: string;
}

/** All resellers. */
export interface ListResellers {
}

/** A tenant. */
export interface Reseller {
    /** Counts its events. */
    version: Int;
    /** The reseller's id. */
    reseller: string;
    /** Its name. */
    name: string;
    /** In which its periods are counted. */
    time_zone: string;
}

/** ListResellers. */
export interface ResellersReply {
    /** The resellers. */
    resellers: Reseller[];
}

/** A reseller's customers. */
export interface ListCustomers {
    /** Part of the id or name; accents and case do not count. */
    text?: string;
}

/** An account of a reseller. */
export interface Customer {
    /** Counts its events. */
    version: Int;
    /** The customer's id. */
    customer: string;
    /** The customer's name. */
    name: string;
    /** Where the customer is written to. */
    email?: string;
    /** active, or on_hold while there is a reason. */
    status: CustomerStatus;
    /** The reasons of its holds. */
    holds: string[];
}

/** ListCustomers. */
export interface CustomersReply {
    /** The customers. */
    customers: Customer[];
}

/** One customer. */
export interface GetCustomer {
    /** The customer. */
    customer: string;
}

/** GetCustomer. */
export interface CustomerReply {
    /** The customer. */
    customer: Customer;
}

/** What can be ordered now: published, with an enabled period, and its lowest price. */
export interface ListPlans {
    /** Part of the id or name; accents and case do not count. */
    text?: string;
    /** Only this category. */
    category?: string;
}

/** A plan that can be ordered. */
export interface PlanOffer {
    /** The plan's id. */
    plan: string;
    /** Its name. */
    name: string;
    /** What kind of service it is. */
    category: string;
    /** Whether it needs a domain name. */
    domain: DomainPolicy;
    /** Its lowest recurring fee. */
    from: Int;
    /** Of the lowest fee. */
    currency: string;
    /** The period of the lowest fee. */
    period: string;
    /** The plan's version. */
    version: Int;
}

/** ListPlans. */
export interface PlansReply {
    /** The plans. */
    plans: PlanOffer[];
}

/** One plan with all its periods. */
export interface GetPlan {
    /** The plan. */
    plan: string;
}

/** A period in which a plan can be subscribed, with its fees. */
export interface PlanPeriod {
    /** A count and a unit: Nd, Nm or Ny. */
    period: string;
    /** Whether it can be ordered. */
    enabled: boolean;
    /** A trial period. */
    trial?: boolean;
    /** Renewed without being asked. */
    auto_renew?: boolean;
    /** Once, for each unit. */
    setup_fee: Int;
    /** For the first period, for each unit. */
    recurring_fee: Int;
    /** For each later period, for each unit. */
    renewal_fee: Int;
    /** Of all three fees. */
    currency: string;
    /** Counts the period's changes from 1. */
    version: Int;
}

/** What can be ordered. */
export interface Plan {
    /** Counts its events. */
    version: Int;
    /** The plan's id. */
    plan: string;
    /** Its name. */
    name: string;
    /** What kind of service it is. */
    category: string;
    /** Whether it can be ordered. */
    published: boolean;
    /** none, shared or exclusive. */
    domain: DomainPolicy;
    /** worker, manual or none. */
    provisioning: Provisioning;
    /** The workers that may do it. */
    worker_group: string;
    /** The time a provisioning may take. */
    deadline_s: number;
    /** Its periods, in the order they were put. */
    periods: PlanPeriod[];
}

/** GetPlan. */
export interface PlanReply {
    /** The plan. */
    plan: Plan;
}

/** The periods in which a plan can be ordered. */
export interface ListPeriods {
    /** The plan. */
    plan: string;
}

/** ListPeriods. */
export interface PeriodsReply {
    /** The enabled periods. */
    periods: PlanPeriod[];
}

/** A reseller's orders. `sort` may be oldest, newest or changed. */
export interface ListOrders {
    /** Only this customer's. */
    customer?: string;
    /** Only those in this state. */
    state?: OrderState;
    /** Only those with an item of this plan. */
    plan?: string;
    /** Only those with an item for this domain. */
    domain?: string;
    /** Only the one with this reference. */
    reference?: string;
    /** Only those that were added then or later. */
    since?: Int;
    /** Only those that were added before then. */
    until?: Int;
}

/** An order. */
export interface Order {
    /** Counts its events. */
    version: Int;
    /** The order's number. */
    order: Int;
    /** The client's own order number. */
    reference: string;
    /** Who gets it. */
    customer: string;
    /** What the order is for. */
    type: OrderType;
    /** Where it stands. */
    state: OrderState;
    /** Why it stands there. */
    reason?: string;
    /** cancelling, cleanup_failed: the end it goes to. */
    goal?: OrderState;
    /** Why it is to end there. */
    goal_reason?: string;
    /** Completed without the items that are cancelled. */
    partial?: boolean;
    /** Of all its amounts. */
    currency: string;
    /** The setup fees. */
    setup_total: Int;
    /** The fees of the first periods. */
    recurring_total: Int;
    /** Both. */
    total: Int;
    /** When it was added. */
    created: Int;
    /** When it last changed. */
    updated: Int;
    /** Who added it. */
    actor: string;
    /** The person behind the service that added it. */
    on_behalf_of?: string;
    /** Its lines. */
    items: OrderItem[];
}

/** ListOrders. */
export interface OrdersReply {
    /** The orders. */
    orders: Order[];
}

/** One order with its items. */
export interface GetOrder {
    /** The order's number; or give its reference. */
    order?: Int;
    /** The order's reference. */
    reference?: string;
}

/** GetOrder. */
export interface OrderViewReply {
    /** The order. */
    order: Order;
    /** What may be done next. */
    allowed: string[];
}

/** Every event of one order, oldest first. */
export interface GetOrderHistory {
    /** The order's number; or give its reference. */
    order?: Int;
    /** The order's reference. */
    reference?: string;
}

/** An event, as it was published; `data` is the event itself. */
export interface EventView {
    /** The reseller's position. */
    position: Int;
    /** When it was decided. */
    time: Int;
    /** What happened. */
    type: string;
    /** Whose. */
    reseller: string;
    /** The id of the command that caused it. */
    command: string;
    /** Who sent that. */
    actor: string;
    /** The person behind the service. */
    on_behalf_of?: string;
    /** W3C traceparent. */
    trace?: string;
    /** The aggregate's version. */
    version: Int;
    /** The event's own fields. */
    data: Record<string, unknown>;
}

/** GetOrderHistory, GetCustomerHistory, GetSubscriptionHistory, ReadLog. */
export interface EventsReply {
    /** The events. */
    events: EventView[];
}

/** A reseller's subscriptions. `sort` may be oldest, newest or expiring; the last leaves out what has ended. */
export interface ListSubscriptions {
    /** Only this customer's. */
    customer?: string;
    /** Only those with this status. */
    status?: SubscriptionStatus;
    /** Only those with this service status, such as removal_failed. */
    service_status?: ServiceStatus;
    /** Only those whose removal task stands so; failed: something is left that could not be removed. */
    removal?: TaskState;
    /** Only those of this plan. */
    plan?: string;
    /** Only those that expire then or later. */
    expires_from?: Int;
    /** Only those that expire before then. */
    expires_until?: Int;
}

/** An instance from before a correction, which a late worker may still make. */
export interface FormerInstance {
    /** The instance id that workers were given. */
    instance: string;
    /** The last lease under which it was worked on. */
    lease: Int;
}

/** What a customer has. */
export interface Subscription {
    /** Counts its events; 0 before the first. */
    version: Int;
    /** The subscription's number. */
    subscription: Int;
    /** The order it came from; absent: it was imported. */
    order?: Int;
    /** The item it came from. */
    item?: Int;
    /** Imported: what it was known by. */
    reference?: string;
    /** Who has it. */
    customer: string;
    /** Its plan. */
    plan: string;
    /** The plan's name when it was ordered. */
    plan_name: string;
    /** The plan's category. */
    category: string;
    /** Its period. */
    period: string;
    /** How many units. */
    quantity: number;
    /** Its domain in ASCII. */
    domain?: string;
    /** Its domain as a person reads it. */
    domain_unicode?: string;
    /** The commercial side. */
    status: SubscriptionStatus;
    /** The technical side. */
    service_status: ServiceStatus;
    /** Renewed without being asked. */
    auto_renew?: boolean;
    /** The instance id given to workers. */
    instance?: string;
    /** When it became active. */
    start?: Int;
    /** From which its periods are counted. */
    anchor?: Int;
    /** How many periods it has had. */
    periods?: Int;
    /** anchor + periods, in the reseller's calendar. */
    expiration?: Int;
    /** What its worker told: login address, server. */
    parameters: Record<string, string>;
    /** Why it ends, or ended. */
    reason?: string;
    /** When it ended. */
    ended?: Int;
    /** Its instances before corrections, as far as they were worked on; the last 15. */
    former_instances: FormerInstance[];
    /** Instances that may exist and are to be removed; the first is worked on. */
    remains: string[];
    /** The task that removes them, from the first such on. */
    task?: Int;
    /** Where that task stands. */
    task_state?: TaskState;
    /** Which try that is. */
    attempt?: Int;
    /** That task's last lease number. */
    lease?: Int;
    /** The worker that holds or closed that task. */
    worker?: string;
    /** As the worker told it. */
    progress?: number;
    /** The worker's last words. */
    message?: string;
    /** When that task's time runs out. */
    deadline?: Int;
    /** When that task was last handed out, or began to wait for that. */
    since?: Int;
    /** When it is tried again, while it waits for that. */
    next_try?: Int;
    /** Imported: whether the domain is shared or exclusive. */
    domain_policy?: DomainPolicy;
    /** Imported: who removes the service. */
    provisioning?: Provisioning;
    /** Imported: the workers that may do it. */
    worker_group?: string;
    /** Imported: the time it may take. */
    deadline_s?: number;
}

/** ListSubscriptions. */
export interface SubscriptionsReply {
    /** The subscriptions. */
    subscriptions: Subscription[];
}

/** One subscription. */
export interface GetSubscription {
    /** The subscription. */
    subscription: Int;
}

/** GetSubscription. */
export interface SubscriptionReply {
    /** The subscription. */
    subscription: Subscription;
}

/** What a customer may see: services, domains, since, until, login address. */
export interface GetPanel {
    /** The customer. */
    customer: string;
}

/** A service as its customer sees it. */
export interface PanelService {
    /** The subscription. */
    subscription: Int;
    /** The plan's name. */
    service: string;
    /** The domain as a person reads it. */
    domain?: string;
    /** The commercial side. */
    status: SubscriptionStatus;
    /** The technical side. */
    service_status: ServiceStatus;
    /** Since when it is active. */
    since?: Int;
    /** When it expires. */
    until?: Int;
    /** Where to log in. */
    login?: string;
}

/** GetPanel. */
export interface PanelReply {
    /** The customer. */
    customer: string;
    /** The customer's name. */
    name: string;
    /** active or on_hold. */
    status: CustomerStatus;
    /** The customer's services. */
    services: PanelService[];
}

/** Events, from any position or time, forwards or backwards. */
export interface ReadLog {
    /** The first position wanted; when absent 1, backwards the last. */
    from?: Int;
    /** Instead of `from`: from the first event that happened then or later; backwards, from the last that did before. */
    since?: Int;
    /** The latest first. */
    backwards?: boolean;
    /** Only events of these types. */
    types?: string[];
    /** Only events of this order, its tasks among them. */
    order?: Int;
    /** Only events of this subscription. */
    subscription?: Int;
    /** Those of all resellers, with the log's positions, as under ~all/. */
    all?: boolean;
}

/** What the engine is and how it does. */
export interface Health {
}

/** Health. */
export interface HealthReply {
    /** The engine's version. */
    software: string;
    /** The log's id. */
    log: string;
    /** The reseller's last position. */
    head: Int;
    /** false while the disk is full. */
    writable: boolean;
    /** Commands answered since the start. */
    commands: Int;
    /** Of those, refused. */
    refusals: Int;
    /** Turns committed since the start. */
    turns: Int;
    /** Messages dropped because nobody could be answered. */
    unaddressed: Int;
    /** Connections that ended, those cut for a frame over the limit included. */
    disconnected: Int;
    /** Answers whose asker was gone or did not read. */
    undeliverable: Int;
    /** Open tasks without a worker. */
    tasks_waiting: Int;
    /** Open tasks with one. */
    tasks_leased: Int;
    /** Workers heard of lately. */
    workers: Int;
    /** The log's last position. */
    log_position: Int;
    /** Views show the log up to this position. */
    projected: Int;
}

/** Every event of one customer, oldest first: changes, holds, notes. */
export interface GetCustomerHistory {
    /** The customer. */
    customer: string;
}

/** Every event of one subscription, oldest first; how it was provisioned stands in its order's history. */
export interface GetSubscriptionHistory {
    /** The subscription. */
    subscription: Int;
}

/** Customers, orders and subscriptions by what is known of them. First what has the text as its id, number or reference; then customers, orders, subscriptions that have it as a part, each oldest first. */
export interface Find {
    /** A customer's id or name, a domain in either spelling, an order's reference, or part of one, accents and case aside; or a whole order or subscription number. */
    text: string;
}

/** What Find has found, and what a person knows it by. */
export interface Found {
    /** customer, order or subscription. */
    kind: Aggregate;
    /** Which field has the text; the first of several. */
    matched: Matched;
    /** The customer, or whose it is. */
    customer: string;
    /** The customer's name. */
    name: string;
    /** Whether the customer may order. */
    customer_status: CustomerStatus;
    /** The order, or the one that the subscription came from. */
    order?: Int;
    /** The order's reference. */
    reference?: string;
    /** Where the order stands. */
    state?: OrderState;
    /** The subscription. */
    subscription?: Int;
    /** The subscription's plan. */
    plan_name?: string;
    /** The commercial side of the subscription. */
    status?: SubscriptionStatus;
    /** The domain as a person reads it; of an order the one that was found, or its first. */
    domain?: string;
}

/** Find. */
export interface FindReply {
    /** What was found. */
    found: Found[];
}

/** A reseller's open tasks, oldest first: what workers do, and the to-do list of what is done by hand. */
export interface ListTasks {
    /** Only those in this state: created or leased; others are not open. */
    state?: TaskState;
    /** Only these. */
    operation?: Operation;
    /** worker, or manual: to be done by hand. */
    provisioning?: Provisioning;
    /** Only this group's. */
    group?: string;
    /** Only what this worker has. */
    worker?: string;
    /** Only this order's; or give its reference. */
    order?: Int;
    /** The order's reference. */
    reference?: string;
    /** Only those made at least so long ago. */
    older_s?: number;
    /** Only those that do not go on: overdue, or without any worker. */
    stuck?: boolean;
}

/** A task, with what it is for. */
export interface TaskView {
    /** The task's number. */
    task: Int;
    /** What is to be done. */
    operation: Operation;
    /** Where it stands. */
    state: TaskState;
    /** By a worker, or by hand. */
    provisioning: Provisioning;
    /** The workers that may do it. */
    group: string;
    /** Who has it, or closed it. */
    worker?: string;
    /** The last lease's number. */
    lease: Int;
    /** Which try this is. */
    attempt: Int;
    /** When it was made; while it is open. */
    created?: Int;
    /** When it was last handed out, or began to wait for that. */
    since?: Int;
    /** When its time runs out. */
    deadline: Int;
    /** When it is tried again, while it waits for that. */
    next_try?: Int;
    /** Its worker is told to stop. */
    stopping?: boolean;
    /** As the worker told it. */
    progress?: number;
    /** The worker's last words. */
    message?: string;
    /** Why it does not go on: no worker for its group, or its time has run out. */
    trouble?: TaskTrouble;
    /** no_worker: since when the group has had none. */
    unserved_since?: Int;
    /** The instance id. */
    instance?: string;
    /** The order it is for. */
    order?: Int;
    /** The item. */
    item?: Int;
    /** The order's reference, or the import's. */
    reference?: string;
    /** The subscription it is for. */
    subscription: Int;
    /** Whose that is. */
    customer: string;
    /** The plan. */
    plan: string;
    /** The plan's name. */
    plan_name: string;
    /** The domain as a person reads it. */
    domain?: string;
    /** What the client gave with the item. */
    parameters: Record<string, string>;
}

/** ListTasks. */
export interface TasksReply {
    /** The tasks. */
    tasks: TaskView[];
}

/** One task, open or closed. What happened to it stands in the history of its order or subscription. */
export interface GetTask {
    /** The task. */
    task: Int;
}

/** GetTask. */
export interface TaskViewReply {
    /** The task. */
    task: TaskView;
    /** What may be done about it. */
    allowed: string[];
}

/** The workers of all resellers, and which groups wait for some. As of a second ago at most. */
export interface ListWorkers {
}

/** A worker that is at work. */
export interface WorkerView {
    /** Its name. */
    worker: string;
    /** The groups it works for. */
    groups: string[];
    /** What it does for them. */
    operations: string[];
    /** How many tasks it does at a time. */
    credit: number;
    /** How many it has. */
    held: Int;
    /** It is to get no more, and to leave. */
    draining?: boolean;
    /** Since when it is at work. */
    since: Int;
    /** When it was last heard. */
    heard: Int;
    /** Tasks that it has closed since. */
    closed: Int;
    /** Tasks that it has given back since, to be tried again. */
    given_back: Int;
}

/** What a group is asked for, by operation. */
export interface GroupView {
    /** The group. */
    group: string;
    /** What is to be done. */
    operation: Operation;
    /** Tasks that could be handed out now. */
    waiting: Int;
    /** Workers that do this. */
    workers: Int;
    /** Since when there are none. */
    unserved_since?: Int;
}

/** ListWorkers. */
export interface WorkersReply {
    /** Those heard of lately. */
    workers: WorkerView[];
    /** The groups that have workers or waiting tasks. */
    groups: GroupView[];
}

/** How many orders there are in each state, and subscriptions with each status, in all and by plan. */
export interface ListCounters {
    /** Those of all resellers, without plans. */
    all?: boolean;
}

/** How many there are. */
export interface Counter {
    /** order or subscription. */
    of: Aggregate;
    /** In this state; with this status. */
    name: string;
    /** Orders with an item of this plan, subscriptions of it; absent: all. */
    plan?: string;
    /** So many. */
    count: Int;
}

/** ListCounters. */
export interface CountersReply {
    /** Those of which there are any. */
    counters: Counter[];
}

/** What happened how often in each hour: a row for each thing that is counted, as for a chart. What stood at an hour's end is what stands now, less what has come since, plus what has left. */
export interface ListHours {
    /** From the hour that this is in; the first when absent. */
    since?: Int;
    /** Only hours that begin before then. */
    until?: Int;
    /** Only this. */
    counted?: Counted;
}

/** What happened how often within an hour. */
export interface HourCount {
    /** When the hour began, in UTC. */
    hour: Int;
    /** What is counted. */
    counted: Counted;
    /** The event's type, the state or the plan. */
    name: string;
    /** How often. */
    count: Int;
}

/** ListHours. */
export interface HoursReply {
    /** By hour. */
    hours: HourCount[];
}

/** What lists are made from, and how far it is behind the log. */
export interface ListViews {
}

/** What can be listed without a search. */
export interface ViewRow {
    /** The view. */
    view: string;
    /** What it finds or counts. */
    of: string;
    /** In words. */
    about: string;
}

/** ListViews, RebuildViews. */
export interface ViewsReply {
    /** The views. */
    views: ViewRow[];
    /** They answer; else they are being made. */
    serving?: boolean;
    /** They show the log up to this position. */
    projected: Int;
    /** The log's last position. */
    head: Int;
    /** They are being made, anew when they serve as well. */
    building?: boolean;
    /** building: how far, as a position; all is read at half of it, and written at the whole. */
    built?: Int;
}

/** Make the views anew from rows and log. Those that there are serve until the new ones have caught up; said again meanwhile it does nothing more. */
export interface RebuildViews {
}

/** Copy the log to a directory of the engine's machine while it serves; GetBackup tells how far it is. Nothing else need be copied. What is there at the end was read back and checked. */
export interface StartBackup {
    /** A path from the root, of a directory that is not there or empty. */
    directory: string;
}

/** StartBackup, GetBackup. */
export interface BackupReply {
    /** Where it stands; absent: none was made since the start. */
    phase?: BackupPhase;
    /** Where to. */
    directory?: string;
    /** Events of this phase so far. */
    done?: Int;
    /** Of so many. */
    of?: Int;
    /** failed: why. */
    problem?: string;
}

/** Those whose position the engine keeps, and how far each is behind. As of a second ago at most. */
export interface ListSubscribers {
    /** Only this one. */
    subscriber?: string;
    /** Those of all resellers, and those that follow all of them. */
    all?: boolean;
}

/** A named subscriber. */
export interface SubscriberView {
    /** Its name. */
    subscriber: string;
    /** Whose events it follows; absent: all resellers'. */
    reseller?: string;
    /** The last position that is done. */
    position: Int;
    /** The last there is. */
    head: Int;
    /** How many events it is behind. */
    lag: Int;
    /** Its position is of another log: it has to begin anew. */
    reset?: boolean;
    /** Who follows under it now. */
    holder?: string;
    /** Since when. */
    since?: Int;
    /** When that was last heard. */
    heard?: Int;
    /** When something was last done. */
    moved: Int;
    /** When it was made. */
    made: Int;
}

/** ListSubscribers. */
export interface SubscribersReply {
    /** The subscribers. */
    subscribers: SubscriberView[];
}

/** What the engine measures of itself. */
export interface GetMetrics {
}

/** How often something was so large. */
export interface MetricBucket {
    /** At most this, and above the bucket before. */
    at_most: Int;
    /** So often. */
    count: Int;
}

/** One measure. */
export interface MetricView {
    /** What is measured. */
    metric: Metric;
    /** Of which port, store, refusal or subscriber. */
    of?: string;
    /** The value; absent where it is a histogram. */
    value?: Int;
    /** A histogram: how often it was measured. */
    count?: Int;
    /** All of that together. */
    sum?: Int;
    /** How often by size, the smallest first; only those that have any. */
    buckets: MetricBucket[];
}

/** GetMetrics. */
export interface MetricsReply {
    /** The engine's version. */
    software: string;
    /** The log's id. */
    log: string;
    /** When this was read. */
    time: Int;
    /** The measures. */
    metrics: MetricView[];
}

/** The backup that is being made, or was made last. */
export interface GetBackup {
}

/** Who may do what: every key that was ever granted, oldest first. */
export interface ListKeys {
}

/** What a key may do, or a user of the engine's machine. */
export interface Key {
    /** Counts its events. */
    version: Int;
    /** The key. */
    key: string;
    /** Who has it. */
    name: string;
    /** What it may do. */
    role: Role;
    /** Whose things; absent: all resellers'. */
    reseller?: string;
    /** Whose panel. */
    customer?: string;
    /** Which groups it may work for; none: any. */
    groups: string[];
    /** It may do nothing any more. */
    revoked?: boolean;
    /** When it was granted last, or revoked. */
    since: Int;
}

/** ListKeys. */
export interface KeysReply {
    /** The keys. */
    keys: Key[];
}

/** The engine began to serve; durable before anything else was said. */
export interface EngineStarted {
    /** The engine's version. */
    software: string;
}

/** A reseller was made or changed. */
export interface ResellerPut {
    /** The reseller's id. */
    reseller: string;
    /** Its name. */
    name: string;
    /** In which its periods are counted. */
    time_zone: string;
}

/** A customer was made or changed. */
export interface CustomerPut {
    /** The customer's id. */
    customer: string;
    /** The customer's name. */
    name: string;
    /** Where the customer is written to. */
    email?: string;
}

/** A reason to hold was added. */
export interface CustomerHeld {
    /** The customer. */
    customer: string;
    /** The reason. */
    reason: string;
}

/** A reason to hold was taken back. */
export interface CustomerReleased {
    /** The customer. */
    customer: string;
    /** The reason. */
    reason: string;
}

/** A plan was made or changed. */
export interface PlanPut {
    /** The plan's id. */
    plan: string;
    /** Its name. */
    name: string;
    /** What kind of service it is. */
    category: string;
    /** Whether it can be ordered. */
    published: boolean;
    /** none, shared or exclusive. */
    domain: DomainPolicy;
    /** worker, manual or none. */
    provisioning: Provisioning;
    /** The workers that may do it. */
    worker_group: string;
    /** The time a provisioning may take. */
    deadline_s: number;
}

/** A period of a plan was made or changed. */
export interface PeriodPut {
    /** The plan. */
    plan: string;
    /** The period. */
    period: string;
    /** Whether it can be ordered. */
    enabled: boolean;
    /** A trial period. */
    trial?: boolean;
    /** Renewed without being asked. */
    auto_renew?: boolean;
    /** Once, for each unit. */
    setup_fee: Int;
    /** For the first period. */
    recurring_fee: Int;
    /** For each later period. */
    renewal_fee: Int;
    /** Of all three fees. */
    currency: string;
}

/** A draft was priced. */
export interface OrderAdded {
    /** The order's number. */
    order: Int;
    /** The client's own order number. */
    reference: string;
    /** Who gets it. */
    customer: string;
    /** What the order is for. */
    type: OrderType;
    /** Absent: there was none. */
    previous_state?: OrderState;
    /** draft. */
    state: OrderState;
    /** Of all its amounts. */
    currency: string;
    /** The setup fees. */
    setup_total: Int;
    /** The fees of the first periods. */
    recurring_total: Int;
    /** Both. */
    total: Int;
    /** Its lines, with the terms they were priced with. */
    items: OrderItem[];
}

/** The items were replaced; the order is a draft again. */
export interface OrderUpdated {
    /** The order's number. */
    order: Int;
    /** Its reference. */
    reference: string;
    /** draft, new or held. */
    previous_state: OrderState;
    /** draft. */
    state: OrderState;
    /** Of all its amounts. */
    currency: string;
    /** The setup fees. */
    setup_total: Int;
    /** The fees of the first periods. */
    recurring_total: Int;
    /** Both. */
    total: Int;
    /** Its lines now. */
    items: OrderItem[];
}

/** The review was right; the domains are claimed. */
export interface OrderConfirmed {
    /** The order's number. */
    order: Int;
    /** Its reference. */
    reference: string;
    /** draft. */
    previous_state: OrderState;
    /** new. */
    state: OrderState;
}

/** What OpenOrder or RetryProvisioning made of one item. */
export interface OpenedItem {
    /** The item's number. */
    item: Int;
    /** waiting becomes provisioning; an item that needs no provisioning is completed by its activation. */
    state: ItemState;
    /** Its new subscription. */
    subscription?: Int;
    /** Its task; absent when nothing is to be provisioned. */
    task?: Int;
    /** The instance id given to workers. */
    instance?: string;
    /** Which try this is. */
    attempt?: Int;
    /** When its time runs out. */
    deadline?: Int;
}

/** The order was handed over for provisioning: subscriptions and tasks are made. */
export interface OrderOpened {
    /** The order's number. */
    order: Int;
    /** Its reference. */
    reference: string;
    /** new or held. */
    previous_state: OrderState;
    /** provisioning. */
    state: OrderState;
    /** What was made of each item. */
    items: OpenedItem[];
}

/** The order cannot be opened while its customer is on hold. */
export interface OrderHeld {
    /** The order's number. */
    order: Int;
    /** Its reference. */
    reference: string;
    /** new or held. */
    previous_state: OrderState;
    /** held. */
    state: OrderState;
    /** Why. */
    reason: string;
}

/** Every item is done and every subscription active; or, partial, all but those that are cancelled now. */
export interface OrderCompleted {
    /** The order's number. */
    order: Int;
    /** Its reference. */
    reference: string;
    /** provisioning, or provisioning_failed when it is partial. */
    previous_state: OrderState;
    /** completed. */
    state: OrderState;
    /** The failed items are cancelled; the totals are those of the rest. */
    partial?: boolean;
    /** Partial: the setup fees. */
    setup_total?: Int;
    /** Partial: the fees of the first periods. */
    recurring_total?: Int;
    /** Partial: both. */
    total?: Int;
}

/** No item is open any more, and some failed. */
export interface OrderProvisioningFailed {
    /** The order's number. */
    order: Int;
    /** Its reference. */
    reference: string;
    /** provisioning. */
    previous_state: OrderState;
    /** provisioning_failed. */
    state: OrderState;
    /** The last failure's words. */
    reason: string;
}

/** The failed items are tried again. */
export interface OrderRetried {
    /** The order's number. */
    order: Int;
    /** Its reference. */
    reference: string;
    /** provisioning_failed. */
    previous_state: OrderState;
    /** provisioning. */
    state: OrderState;
    /** The items that are tried again. */
    items: OpenedItem[];
}

/** What became of an item of an order that is to end. */
export interface EndedItem {
    /** The item's number. */
    item: Int;
    /** cancelled, or removing where something may exist. */
    state: ItemState;
    /** Its subscription, where something is to be removed. */
    subscription?: Int;
    /** Its open task: over, or to be stopped while a worker holds it. */
    task?: Int;
}

/** An instance that may exist and is nobody's any more. */
export interface Orphan {
    /** The item it was made for. */
    item?: Int;
    /** The subscription it was made for. */
    subscription: Int;
    /** The instance id that workers were given. */
    instance: string;
}

/** The order ended without effect; nothing of it exists, but what is listed. */
export interface OrderCancelled {
    /** The order's number. */
    order: Int;
    /** Its reference. */
    reference: string;
    /** Any but an end. */
    previous_state: OrderState;
    /** cancelled. */
    state: OrderState;
    /** Why. */
    reason?: string;
    /** Items whose open tasks are over. */
    items: EndedItem[];
    /** What was abandoned. */
    orphans: Orphan[];
}

/** The order is to end; what may exist of it is removed first. */
export interface OrderCancelling {
    /** The order's number. */
    order: Int;
    /** Its reference. */
    reference: string;
    /** provisioning, provisioning_failed or cleanup_failed. */
    previous_state: OrderState;
    /** cancelling. */
    state: OrderState;
    /** cancelled or failed. */
    goal: OrderState;
    /** Why. */
    reason?: string;
    /** What becomes of its items. */
    items: EndedItem[];
}

/** The order was given up; nothing of it exists, but what is listed. */
export interface OrderFailed {
    /** The order's number. */
    order: Int;
    /** Its reference. */
    reference: string;
    /** provisioning_failed, cancelling or cleanup_failed. */
    previous_state: OrderState;
    /** failed. */
    state: OrderState;
    /** Why. */
    reason?: string;
    /** Items whose open tasks are over. */
    items: EndedItem[];
    /** What was abandoned. */
    orphans: Orphan[];
}

/** Nothing is being removed any more, and some of it could not be. */
export interface OrderCleanupFailed {
    /** The order's number. */
    order: Int;
    /** Its reference. */
    reference: string;
    /** cancelling. */
    previous_state: OrderState;
    /** cleanup_failed. */
    state: OrderState;
    /** The last failure's words. */
    reason: string;
}

/** The order was left unopened for too long. */
export interface OrderExpired {
    /** The order's number. */
    order: Int;
    /** Its reference. */
    reference: string;
    /** draft, new or held. */
    previous_state: OrderState;
    /** cancelled. */
    state: OrderState;
    /** expired. */
    reason: string;
}

/** A failed item was given another domain or other parameters, and a new instance. */
export interface ItemCorrected {
    /** The order's number. */
    order: Int;
    /** Its reference. */
    reference: string;
    /** The item. */
    item: Int;
    /** Its subscription. */
    subscription: Int;
    /** Its domain in ASCII. */
    domain?: string;
    /** Its domain as a person reads it. */
    domain_unicode?: string;
    /** Its parameters. */
    parameters: Record<string, string>;
    /** Its new instance id. */
    instance: string;
    /** provisioning_failed. */
    previous_state: OrderState;
    /** The same. */
    state: OrderState;
}

/** A task was handed to a worker. */
export interface TaskLeased {
    /** The order that waits for it; absent: none does, the event is the subscription's. */
    order?: Int;
    /** Its item. */
    item?: Int;
    /** What a deprovisioning is for. */
    subscription?: Int;
    /** The task. */
    task: Int;
    /** provision or deprovision. */
    operation: Operation;
    /** The lease's number: one more with each hand-out. */
    lease: Int;
    /** Who has it. */
    worker: string;
    /** Which try this is. */
    attempt: Int;
    /** Of the order. */
    previous_state?: OrderState;
    /** The same. */
    state?: OrderState;
}

/** The worker told how far it is. */
export interface TaskProgressed {
    /** The order that waits for it; absent: none does, the event is the subscription's. */
    order?: Int;
    /** Its item. */
    item?: Int;
    /** What a deprovisioning is for. */
    subscription?: Int;
    /** The task. */
    task: Int;
    /** provision or deprovision. */
    operation: Operation;
    /** The lease. */
    lease: Int;
    /** 0-100. */
    progress?: number;
    /** For people. */
    message?: string;
    /** Of the order. */
    previous_state?: OrderState;
    /** The same. */
    state?: OrderState;
}

/** It is done. */
export interface TaskSucceeded {
    /** The order that waits for it; absent: none does, the event is the subscription's. */
    order?: Int;
    /** Its item. */
    item?: Int;
    /** What a deprovisioning is for. */
    subscription?: Int;
    /** The task. */
    task: Int;
    /** provision or deprovision. */
    operation: Operation;
    /** The lease; 0 when it was never handed out. */
    lease: Int;
    /** Who did it; absent: an operator said so. */
    worker?: string;
    /** For people. */
    message?: string;
    /** The end of what was printed. */
    output?: string;
    /** What was removed. */
    instance?: string;
    /** Instances that this task has still to remove. */
    left?: Int;
    /** Of the order. */
    previous_state?: OrderState;
    /** The same. */
    state?: OrderState;
}

/** It could not be done: with next_try, not this time; else for good. */
export interface TaskFailed {
    /** The order that waits for it; absent: none does, the event is the subscription's. */
    order?: Int;
    /** Its item. */
    item?: Int;
    /** The subscription that is not provisioned, or not removed. */
    subscription?: Int;
    /** The task. */
    task: Int;
    /** provision or deprovision. */
    operation: Operation;
    /** The lease; 0 when it was never handed out. */
    lease: Int;
    /** Who tried. */
    worker?: string;
    /** The worker's code, timed_out, or failed_by_operator. */
    code: string;
    /** For people. */
    message?: string;
    /** The end of what was printed. */
    output?: string;
    /** Which try this was. */
    attempt: Int;
    /** When it is tried again. */
    next_try?: Int;
    /** Of the order. */
    previous_state?: OrderState;
    /** The same. */
    state?: OrderState;
}

/** It waits for a worker again: the lease was lost, given back or taken, or there is no pause any more. */
export interface TaskReleased {
    /** The order that waits for it; absent: none does, the event is the subscription's. */
    order?: Int;
    /** Its item. */
    item?: Int;
    /** What a deprovisioning is for. */
    subscription?: Int;
    /** The task. */
    task: Int;
    /** provision or deprovision. */
    operation: Operation;
    /** The lease that is over; 0 when it was never handed out. */
    lease: Int;
    /** Who had it. */
    worker?: string;
    /** Why. */
    reason: string;
    /** It does not wait: its order is being cancelled. */
    cancelled?: boolean;
    /** Of the order. */
    previous_state?: OrderState;
    /** The same. */
    state?: OrderState;
}

/** A result came under a lease that was no longer the task's; it changed nothing. */
export interface TaskStale {
    /** The order that waits for it; absent: none does, the event is the subscription's. */
    order?: Int;
    /** Its item. */
    item?: Int;
    /** What a deprovisioning is for. */
    subscription?: Int;
    /** The task. */
    task: Int;
    /** provision or deprovision. */
    operation: Operation;
    /** The stale lease. */
    lease: Int;
    /** Who sent it. */
    worker: string;
    /** What it claimed: success, failure or release. */
    result: string;
    /** Of the order. */
    previous_state?: OrderState;
    /** The same. */
    state?: OrderState;
}

/** An instance that may exist is to be removed. */
export interface TaskCreated {
    /** The order that waits for it; absent: none does, the event is the subscription's. */
    order?: Int;
    /** Its item. */
    item?: Int;
    /** The subscription it was made for. */
    subscription?: Int;
    /** The task. */
    task: Int;
    /** provision or deprovision. */
    operation: Operation;
    /** The instance. */
    instance: string;
    /** By a worker, or by hand. */
    provisioning: Provisioning;
    /** The workers that may do it. */
    worker_group: string;
    /** The last lease's number; 0 before the first. */
    lease: Int;
    /** Which try this is. */
    attempt: Int;
    /** When its time runs out. */
    deadline: Int;
    /** Of the order. */
    previous_state?: OrderState;
    /** The same. */
    state?: OrderState;
    /** Why it is tried again, where a person has asked for that. */
    reason?: string;
}

/** The customer has it; its item is completed. */
export interface SubscriptionActivated {
    /** The subscription's number. */
    subscription: Int;
    /** The order it came from. */
    order: Int;
    /** The item it came from. */
    item: Int;
    /** Who has it. */
    customer: string;
    /** active or trial. */
    status: SubscriptionStatus;
    /** When it became active; also the anchor of its periods. */
    start: Int;
    /** 1. */
    periods: Int;
    /** anchor + periods, reckoned in the reseller's calendar. */
    expiration: Int;
    /** What its worker told. */
    parameters: Record<string, string>;
}

/** The service is to be removed; then the subscription ends. */
export interface SubscriptionEnding {
    /** The subscription's number. */
    subscription: Int;
    /** Who has it. */
    customer: string;
    /** Until then: active or trial, or terminated when it had been abandoned. */
    status: SubscriptionStatus;
    /** Why. */
    reason: string;
}

/** The customer has it no more. */
export interface SubscriptionEnded {
    /** The subscription's number. */
    subscription: Int;
    /** The order it came from. */
    order?: Int;
    /** The item it came from. */
    item?: Int;
    /** Who had it. */
    customer: string;
    /** removed, or what is still being done, or could not be. */
    service_status: ServiceStatus;
    /** Why. */
    reason?: string;
    /** What was abandoned. */
    orphans: Orphan[];
}

/** A subscription that existed before was taken over. */
export interface SubscriptionImported {
    /** The subscription's number. */
    subscription: Int;
    /** What it was known by. */
    reference: string;
    /** Who has it. */
    customer: string;
    /** Its plan. */
    plan: string;
    /** The plan's name now. */
    plan_name: string;
    /** The plan's category. */
    category: string;
    /** Its period. */
    period: string;
    /** How many units. */
    quantity: number;
    /** Its domain in ASCII. */
    domain?: string;
    /** Its domain as a person reads it. */
    domain_unicode?: string;
    /** Whether the domain is shared or exclusive. */
    domain_policy: DomainPolicy;
    /** active or trial. */
    status: SubscriptionStatus;
    /** Renewed without being asked. */
    auto_renew?: boolean;
    /** The instance id that whoever removes it is given. */
    instance: string;
    /** Since when it is active; also the anchor of its periods. */
    start: Int;
    /** When it expires. */
    expiration: Int;
    /** Login address, server. */
    parameters: Record<string, string>;
    /** Who removes the service. */
    provisioning: Provisioning;
    /** The workers that may do it. */
    worker_group: string;
    /** The time it may take. */
    deadline_s: number;
}

/** A subscriber was let go on without having done an event. */
export interface EventSkipped {
    /** Whose subscriber. */
    reseller: string;
    /** The subscriber. */
    subscriber: string;
    /** It follows all resellers, and the position is the log's. */
    all?: boolean;
    /** The event's position. */
    position: Int;
    /** Why. */
    reason?: string;
}

/** A key may do something from now on. */
export interface KeyGranted {
    /** The key. */
    key: string;
    /** Who has it. */
    name: string;
    /** What it may do. */
    role: Role;
    /** Whose things; absent: all resellers'. */
    reseller?: string;
    /** Whose panel. */
    customer?: string;
    /** Which groups it may work for; none: any. */
    groups: string[];
}

/** A key may do nothing from now on. */
export interface KeyRevoked {
    /** The key. */
    key: string;
    /** Why. */
    reason?: string;
}

/** Somebody wrote a note beside the order; nothing else changed. */
export interface NoteAdded {
    /** The order's number. */
    order: Int;
    /** Its reference. */
    reference: string;
    /** The note. */
    text: string;
    /** Any. */
    previous_state: OrderState;
    /** The same. */
    state: OrderState;
}

/** Somebody wrote a note beside the customer; nothing else changed. */
export interface CustomerNoteAdded {
    /** The customer. */
    customer: string;
    /** The note. */
    text: string;
}

/** Somebody wrote a note beside the subscription; nothing else changed. */
export interface SubscriptionNoteAdded {
    /** The subscription's number. */
    subscription: Int;
    /** The note. */
    text: string;
}

/** The data of each command and query. */
export interface Requests {
    Hello: Hello;
    PutReseller: PutReseller;
    PutPlan: PutPlan;
    PutPeriod: PutPeriod;
    PutCustomer: PutCustomer;
    HoldCustomer: HoldCustomer;
    ReleaseCustomer: ReleaseCustomer;
    AddOrder: AddOrder;
    UpdateOrder: UpdateOrder;
    ConfirmOrder: ConfirmOrder;
    OpenOrder: OpenOrder;
    CheckStatus: CheckStatus;
    CancelOrder: CancelOrder;
    RetryProvisioning: RetryProvisioning;
    AddNote: AddNote;
    AcceptPartial: AcceptPartial;
    GiveUp: GiveUp;
    CorrectItem: CorrectItem;
    EndSubscription: EndSubscription;
    ImportSubscription: ImportSubscription;
    RetryTask: RetryTask;
    ReleaseTask: ReleaseTask;
    FailTask: FailTask;
    SucceedTask: SucceedTask;
    DrainWorker: DrainWorker;
    AttachSubscriber: AttachSubscriber;
    MoveSubscriber: MoveSubscriber;
    DetachSubscriber: DetachSubscriber;
    DeleteSubscriber: DeleteSubscriber;
    SkipEvent: SkipEvent;
    GrantKey: GrantKey;
    RevokeKey: RevokeKey;
    ListResellers: ListResellers;
    ListCustomers: ListCustomers;
    GetCustomer: GetCustomer;
    ListPlans: ListPlans;
    GetPlan: GetPlan;
    ListPeriods: ListPeriods;
    ListOrders: ListOrders;
    GetOrder: GetOrder;
    GetOrderHistory: GetOrderHistory;
    ListSubscriptions: ListSubscriptions;
    GetSubscription: GetSubscription;
    GetPanel: GetPanel;
    ReadLog: ReadLog;
    Health: Health;
    GetCustomerHistory: GetCustomerHistory;
    GetSubscriptionHistory: GetSubscriptionHistory;
    Find: Find;
    ListTasks: ListTasks;
    GetTask: GetTask;
    ListWorkers: ListWorkers;
    ListCounters: ListCounters;
    ListHours: ListHours;
    ListViews: ListViews;
    RebuildViews: RebuildViews;
    StartBackup: StartBackup;
    ListSubscribers: ListSubscribers;
    GetMetrics: GetMetrics;
    GetBackup: GetBackup;
    ListKeys: ListKeys;
}

/** The data of its answer. */
export interface Answers {
    Hello: HelloReply;
    PutReseller: PutReply;
    PutPlan: PutReply;
    PutPeriod: PutReply;
    PutCustomer: PutReply;
    HoldCustomer: PutReply;
    ReleaseCustomer: PutReply;
    AddOrder: ReviewReply;
    UpdateOrder: ReviewReply;
    ConfirmOrder: OrderReply;
    OpenOrder: OrderReply;
    CheckStatus: StatusReply;
    CancelOrder: OrderReply;
    RetryProvisioning: OrderReply;
    AddNote: NoteReply;
    AcceptPartial: OrderReply;
    GiveUp: OrderReply;
    CorrectItem: OrderReply;
    EndSubscription: SubscriptionChangeReply;
    ImportSubscription: SubscriptionChangeReply;
    RetryTask: TaskReply;
    ReleaseTask: TaskReply;
    FailTask: TaskReply;
    SucceedTask: TaskReply;
    DrainWorker: DrainReply;
    AttachSubscriber: SubscriberReply;
    MoveSubscriber: SubscriberReply;
    DetachSubscriber: SubscriberReply;
    DeleteSubscriber: SubscriberReply;
    SkipEvent: SkipReply;
    GrantKey: KeyReply;
    RevokeKey: KeyReply;
    ListResellers: ResellersReply;
    ListCustomers: CustomersReply;
    GetCustomer: CustomerReply;
    ListPlans: PlansReply;
    GetPlan: PlanReply;
    ListPeriods: PeriodsReply;
    ListOrders: OrdersReply;
    GetOrder: OrderViewReply;
    GetOrderHistory: EventsReply;
    ListSubscriptions: SubscriptionsReply;
    GetSubscription: SubscriptionReply;
    GetPanel: PanelReply;
    ReadLog: EventsReply;
    Health: HealthReply;
    GetCustomerHistory: EventsReply;
    GetSubscriptionHistory: EventsReply;
    Find: FindReply;
    ListTasks: TasksReply;
    GetTask: TaskViewReply;
    ListWorkers: WorkersReply;
    ListCounters: CountersReply;
    ListHours: HoursReply;
    ListViews: ViewsReply;
    RebuildViews: ViewsReply;
    StartBackup: BackupReply;
    ListSubscribers: SubscribersReply;
    GetMetrics: MetricsReply;
    GetBackup: BackupReply;
    ListKeys: KeysReply;
}

/** Of those that are lists, one of their rows. */
export interface Rows {
    ListResellers: ResellersReply["resellers"][number];
    ListCustomers: CustomersReply["customers"][number];
    ListPlans: PlansReply["plans"][number];
    ListPeriods: PeriodsReply["periods"][number];
    ListOrders: OrdersReply["orders"][number];
    GetOrderHistory: EventsReply["events"][number];
    ListSubscriptions: SubscriptionsReply["subscriptions"][number];
    GetPanel: PanelReply["services"][number];
    ReadLog: EventsReply["events"][number];
    GetCustomerHistory: EventsReply["events"][number];
    GetSubscriptionHistory: EventsReply["events"][number];
    Find: FindReply["found"][number];
    ListTasks: TasksReply["tasks"][number];
    ListWorkers: WorkersReply["workers"][number];
    ListCounters: CountersReply["counters"][number];
    ListHours: HoursReply["hours"][number];
    ListViews: ViewsReply["views"][number];
    RebuildViews: ViewsReply["views"][number];
    ListSubscribers: SubscribersReply["subscribers"][number];
    GetMetrics: MetricsReply["metrics"][number];
    ListKeys: KeysReply["keys"][number];
}

/** The data of each event. */
export interface Events {
    EngineStarted: EngineStarted;
    ResellerPut: ResellerPut;
    CustomerPut: CustomerPut;
    CustomerHeld: CustomerHeld;
    CustomerReleased: CustomerReleased;
    PlanPut: PlanPut;
    PeriodPut: PeriodPut;
    OrderAdded: OrderAdded;
    OrderUpdated: OrderUpdated;
    OrderConfirmed: OrderConfirmed;
    OrderOpened: OrderOpened;
    OrderHeld: OrderHeld;
    OrderCompleted: OrderCompleted;
    OrderProvisioningFailed: OrderProvisioningFailed;
    OrderRetried: OrderRetried;
    OrderCancelled: OrderCancelled;
    OrderCancelling: OrderCancelling;
    OrderFailed: OrderFailed;
    OrderCleanupFailed: OrderCleanupFailed;
    OrderExpired: OrderExpired;
    ItemCorrected: ItemCorrected;
    TaskLeased: TaskLeased;
    TaskProgressed: TaskProgressed;
    TaskSucceeded: TaskSucceeded;
    TaskFailed: TaskFailed;
    TaskReleased: TaskReleased;
    TaskStale: TaskStale;
    TaskCreated: TaskCreated;
    SubscriptionActivated: SubscriptionActivated;
    SubscriptionEnding: SubscriptionEnding;
    SubscriptionEnded: SubscriptionEnded;
    SubscriptionImported: SubscriptionImported;
    EventSkipped: EventSkipped;
    KeyGranted: KeyGranted;
    KeyRevoked: KeyRevoked;
    NoteAdded: NoteAdded;
    CustomerNoteAdded: CustomerNoteAdded;
    SubscriptionNoteAdded: SubscriptionNoteAdded;
}
